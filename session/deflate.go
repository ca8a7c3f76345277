package session

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
)

// maxInflated bounds what a record may become: far more than any session needs,
// and nothing to fear.
const maxInflated = 64 << 10

// deflate compresses plain by DEFLATE (RFC 1951).
func deflate(plain []byte) ([]byte, error) {
	if len(plain) > maxInflated {
		return nil, &TooLargeError{Size: len(plain), Limit: maxInflated}
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// inflate is the reverse; more than maxInflated bytes are an error.
func inflate(deflated []byte) ([]byte, error) {
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), maxInflated+1))
	if err != nil {
		return nil, err
	}
	if len(plain) > maxInflated {
		return nil, fmt.Errorf("more than %d bytes", maxInflated)
	}
	return plain, nil
}
