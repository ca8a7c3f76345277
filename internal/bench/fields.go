package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// header is what an answer says of itself: an http.Header, or fields.
type header interface{ Get(name string) string }

// fields are a message's header fields as they came, which costs less than a
// map of them.
type fields []byte

// Get returns the first field of that name, whatever its case; "" = there is none.
func (f fields) Get(name string) string { return string(f.value(name)) }

// value is a part of f.
func (f fields) value(name string) []byte {
	for rest := []byte(f); len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte("\r\n"))
		if rest = after; len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return bytes.TrimSpace(line[len(name)+1:])
		}
	}
	return nil
}

// cutHead divides what begins with a message into its first line, its fields, and
// what follows them. found is false as long as they have not all come.
func cutHead(message []byte) (first []byte, f fields, body []byte, found bool) {
	head, body, found := bytes.Cut(message, []byte("\r\n\r\n"))
	if !found {
		return nil, nil, nil, false
	}
	first, rest, _ := bytes.Cut(head, []byte("\r\n"))
	return first, rest, body, true
}

// statusOf reads the first line of an answer.
func statusOf(first []byte) (int, error) {
	version, rest, _ := bytes.Cut(first, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	status, err := strconv.Atoi(string(code))
	if err != nil || string(version) != "HTTP/1.1" {
		return 0, fmt.Errorf("the answer begins with %q", first)
	}
	return status, nil
}

// length is Content-Length, which everything here has.
func (f fields) length() (int, error) {
	if len(f.value("Transfer-Encoding")) > 0 {
		return 0, errors.New("the answer has a Transfer-Encoding, want Content-Length alone")
	}
	n, err := strconv.Atoi(f.Get("Content-Length"))
	if err != nil || n < 0 {
		return 0, fmt.Errorf("the answer's Content-Length is %q", f.value("Content-Length"))
	}
	return n, nil
}
