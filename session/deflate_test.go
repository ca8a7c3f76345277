package session

import (
	"bytes"
	"strings"
	"testing"
)

func TestDeflateIsBounded(t *testing.T) {
	full := bytes.Repeat([]byte("a"), maxInflated)
	small, err := deflate(full)
	if err != nil || len(small) > 1024 {
		t.Fatalf("%d bytes, %v", len(small), err)
	}
	if got, err := inflate(small); err != nil || !bytes.Equal(got, full) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if _, err := deflate(append(full, 'a')); err == nil || !strings.Contains(err.Error(), "fewer claims") {
		t.Errorf("deflate of too much: %v", err)
	}
	if _, err := inflate(small[:len(small)/2]); err == nil {
		t.Error("inflate of half a stream: no error")
	}
}

func TestInflateStopsAtTheBound(t *testing.T) {
	// A stored block of 65535 bytes, twice (RFC 1951 §3.2.4): one more than allowed.
	block := append([]byte{0, 0xff, 0xff, 0, 0}, make([]byte, 65535)...)
	last := append([]byte{1}, block[1:]...)
	if _, err := inflate(append(block, last...)); err == nil || !strings.Contains(err.Error(), "more than 65536 bytes") {
		t.Errorf("inflate: %v", err)
	}
}

func FuzzInflate(f *testing.F) {
	small, _ := deflate([]byte(`{"iss":"https://idp.example.com"}`))
	f.Add(small)
	f.Fuzz(func(t *testing.T, b []byte) {
		if plain, err := inflate(b); err == nil && len(plain) > maxInflated {
			t.Errorf("%d bytes", len(plain))
		}
	})
}
