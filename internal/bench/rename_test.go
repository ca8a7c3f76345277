package main

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// encoded is a field of a protobuf message that has bytes.
func encoded(number uint64, text string) []byte {
	b := binary.AppendUvarint(nil, number<<3|wireBytes)
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func TestRenamedReplacesOneString(t *testing.T) {
	const was = "/somewhere/else/sallyport"
	counter := []byte{9<<3 | wireVarint, 0xac, 0x02}
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	// A sample that happens to hold the same bytes stays.
	got, err := renamed(join(encoded(2, was), encoded(stringTable, ""), encoded(stringTable, was), counter, encoded(stringTable, was+"2")), was, "sallyport")
	if err != nil {
		t.Fatal(err)
	}
	want := join(encoded(2, was), encoded(stringTable, ""), encoded(stringTable, "sallyport"), counter, encoded(stringTable, was+"2"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRenamedRefusesWhatIsNoProfile(t *testing.T) {
	for _, message := range [][]byte{{0x80}, {stringTable<<3 | wireBytes}, {stringTable<<3 | wireBytes, 5, 'a'}, {1<<3 | 5, 0, 0, 0, 0}} {
		if _, err := renamed(message, "a", "b"); !errors.Is(err, errProfile) {
			t.Errorf("%x: error is %v", message, err)
		}
	}
}
