package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The app answers with the identity it was told, so that the client can check
// what reached it.
const (
	identityHeader  = "X-Forwarded-Email"     // set by whoever authenticates
	assertionHeader = "X-Sallyport-Assertion" // set by Sallyport alone
	echoHeader      = "Bench-Identity"        // the app's answer: what it was told
	vouchedHeader   = "Bench-Vouched"         // "yes" with an assertion
)

// maxBody bounds what a path may ask for.
const maxBody = 64 << 20

// app is the server behind every proxy: it answers GET with prepared bytes, in the
// load's loop, so that it is never what a proxy waits for. Its method body may be
// called while it serves.
type app struct {
	URL  string
	host string // of URL
	port socket
	date string

	mu     sync.Mutex
	bodies map[string][]byte // by path
}

// startApp serves in the loop, until that is closed, a body of n bytes at /n.
func startApp(l *loop) (*app, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the app: %w", err)
	}
	defer listener.Close()
	host := listener.Addr().String()
	a := &app{URL: "http://" + host, host: host, bodies: map[string][]byte{}, date: time.Now().UTC().Format(http.TimeFormat)}
	if a.port, err = l.take(listener.(*net.TCPListener)); err != nil {
		return nil, err
	}
	return a, a.port.serve(a.accept)
}

// path is where the app answers with size bytes.
func path(size int) string { return "/" + strconv.Itoa(size) }

// body is the answer at path(size).
func (a *app) body(size int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	body := a.bodies[path(size)]
	if body == nil {
		body = make([]byte, size)
		for i := range body {
			body[i] = "0123456789abcdef"[i%16]
		}
		a.bodies[path(size)] = body
	}
	return body
}

// at is the body at a path; nil = there is none.
func (a *app) at(path []byte) []byte {
	a.mu.Lock()
	body := a.bodies[string(path)]
	a.mu.Unlock()
	if body != nil {
		return body
	}
	if size, err := strconv.Atoi(string(bytes.TrimPrefix(path, []byte("/")))); err == nil && size > 0 && size <= maxBody {
		return a.body(size)
	}
	return nil
}

func (a *app) accept() {
	for {
		s, err := a.port.accept()
		if err != nil {
			return // errWait, or a connection that is gone already
		}
		c := &caller{app: a, socket: s, in: make([]byte, 32<<10)}
		if err := s.loop.watch(s.fd, c.ready); err != nil {
			s.close()
		}
	}
}

// caller is one connection to the app.
type caller struct {
	socket
	app   *app
	in    []byte // its first have bytes are of a request
	have  int
	head  []byte
	out   [][]byte // what is still to be sent; of parts
	parts [2][]byte
}

// ready answers what has come, one request after the other.
func (c *caller) ready() {
	err := c.send()
	for err == nil {
		var n int
		if n, err = c.read(c.in[c.have:]); err != nil {
			break
		}
		if c.have += n; c.have < len(c.in) {
			err = errWait // that was all, and more will be told
		}
		first, f, rest, found := cutHead(c.in[:c.have])
		switch {
		case !found && c.have == len(c.in):
			err = errors.New("the fields are too long")
		case found && len(rest) > 0:
			err = errors.New("a request has a body, or another one after it")
		case found:
			c.have = 0
			c.answer(first, f)
			err = cmp.Or(c.send(), err)
		}
	}
	if !errors.Is(err, errWait) {
		c.close()
	}
}

func (c *caller) answer(first []byte, f fields) {
	_, target, _ := bytes.Cut(first, []byte(" "))
	target, _, _ = bytes.Cut(target, []byte(" "))
	body, status := c.app.at(target), "200 OK"
	if body == nil {
		status = "404 Not Found"
	}
	c.head = fmt.Appendf(c.head[:0], "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s: %s\r\n",
		status, c.app.date, len(body), echoHeader, f.value(identityHeader))
	if len(f.value(assertionHeader)) > 0 {
		c.head = append(c.head, vouchedHeader+": yes\r\n"...)
	}
	c.head = append(c.head, "\r\n"...)
	c.out = append(c.parts[:0], c.head, body)
}

// send writes what it can of the answer.
func (c *caller) send() error {
	for len(c.out) > 0 {
		n, err := c.write(c.out)
		if err != nil {
			return err
		}
		for len(c.out) > 0 && n >= len(c.out[0]) {
			n -= len(c.out[0])
			c.out = c.out[1:]
		}
		if n > 0 {
			c.out[0] = c.out[0][n:]
		}
	}
	return nil
}
