package arch

import (
	"os"
	"testing"
)

// maxLines is where a file that somebody wrote has certainly more than one subject;
// about 150 is the aim.
const maxLines = 400

func TestNoFileIsTooLong(t *testing.T) {
	files, err := scan(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tooLong(files) {
		t.Errorf("%s has %d lines, more than %d; split it by subject", f.path, f.lines, maxLines)
	}
}

func tooLong(files []file) []file {
	var long []file
	for _, f := range files {
		if f.written && f.lines > maxLines {
			long = append(long, f)
		}
	}
	return long
}
