package hop

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// appendRequest appends the header section of r (RFC 9112 §2.1) in origin-form. What
// could end a line early is an error, and nothing of it is sent.
func appendRequest(b []byte, r *http.Request) ([]byte, error) {
	target := r.URL.RequestURI()
	if !plain(target) || target[0] != '/' {
		return nil, errors.New("the request's target could not stand in a request line")
	}
	host := cmp.Or(r.Host, r.URL.Host)
	if host == "" || !httpguts.ValidHostHeader(host) {
		return nil, fmt.Errorf("the host %.100q could not stand in a Host field", host)
	}
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\n"...)
	for name, values := range r.Header {
		ours := framing(name)
		if len(values) > 0 && !httpguts.ValidHeaderFieldName(name) {
			return nil, fmt.Errorf("the field name %.100q is not one", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return nil, fmt.Errorf("the value of the field %s has a character that may not stand there", name)
			}
			if ours || v == "" && name == "User-Agent" { // httputil's way of sending none
				continue
			}
			b = append(b, name...)
			b = append(b, ": "...)
			b = append(b, v...)
			b = append(b, "\r\n"...)
		}
	}
	return append(appendLength(b, r), "\r\n"...), nil
}

// appendLength states the length of a body, and of none where the method lets one be
// expected (RFC 9110 §8.6).
func appendLength(b []byte, r *http.Request) []byte {
	if r.ContentLength == 0 {
		switch r.Method {
		case http.MethodPost, http.MethodPut, http.MethodPatch:
		default:
			return b
		}
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, r.ContentLength, 10)
	return append(b, "\r\n"...)
}

// maxHeld is the longest body that is held, in bytes: about what copying a longer one
// borrows.
const maxHeld = 32 << 10

// tooLong reports whether the body of r is not held but sent piece by piece.
func tooLong(r *http.Request) bool { return r.ContentLength > maxHeld }

// hold reads the body of r, which must be as long as it says, and puts what it read in its
// place. One that is too long stays where it is.
func hold(r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 || tooLong(r) {
		return nil, nil
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	if err == nil {
		// The end is only seen by reading on, and has to be there.
		var more [1]byte
		var n int
		if n, err = io.ReadFull(r.Body, more[:]); n > 0 {
			err = errors.New("it is longer than its stated length")
		} else if err == io.EOF {
			err = nil
		}
	} else if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	_ = r.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("reading the request's body: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// framing reports whether a field is the transport's to write, as net/http's does: a
// client may have sent one beside what the request really is. Any case will do, since an
// app reads it so.
func framing(name string) bool {
	switch len(name) {
	case len("Host"):
		return strings.EqualFold(name, "Host")
	case len("Trailer"):
		return strings.EqualFold(name, "Trailer")
	case len("Content-Length"):
		return strings.EqualFold(name, "Content-Length")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

// plain reports whether s has neither white space nor control characters.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return s != ""
}
