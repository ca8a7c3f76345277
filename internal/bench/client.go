package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// client is one connection that stays open. Its methods are called in the loop.
type client struct {
	socket
	row  *row
	then func(error) // what to do when the answer has come and is right, or not

	asking bool

	in     []byte // its first have bytes are of an answer's fields
	have   int
	inBody bool
	at     int // bytes of the body that have come
	length int // of the body
}

// answerLimit is how long an answer may take. It is far beyond anything that is
// measured, so that a crowded machine does not end the run.
const answerLimit = 30 * time.Second

// dial connects, sends the row's request, and checks the answer. It is called outside of
// the loop.
func dial(ctx context.Context, l *loop, r *row) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.on[0].addr)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close()
	c := &client{row: r, in: make([]byte, 64<<10)}
	if c.socket, err = l.take(conn.(*net.TCPConn)); err != nil {
		return nil, err
	}
	if err := c.serve(c.ready); err != nil {
		return nil, err
	}
	answered := make(chan error, 1)
	l.do(func() {
		c.then = func(err error) { answered <- err }
		c.ask()
	})
	if err := await(ctx, answered, answerLimit); err != nil {
		hangUp(l, []*client{c})
		return nil, err
	}
	return c, nil
}

// dialAll makes n clients of the row, or none.
func dialAll(ctx context.Context, l *loop, r *row, n int) ([]*client, error) {
	clients := make([]*client, 0, n)
	for range n {
		c, err := dial(ctx, l, r)
		if err != nil {
			hangUp(l, clients)
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// hangUp closes clients of the loop, which is not that of the caller.
func hangUp(l *loop, clients []*client) {
	l.do(func() {
		for _, c := range clients {
			c.close()
		}
	})
}

// await returns what comes within that time.
func await(ctx context.Context, answered <-chan error, limit time.Duration) error {
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(limit):
		return fmt.Errorf("no answer within %v", limit)
	}
}

// ask sends the request, which the socket has room for.
func (c *client) ask() {
	c.asking, c.have, c.inBody, c.at = true, 0, false, 0
	if n, err := c.write([][]byte{c.row.request}); err != nil || n < len(c.row.request) {
		c.end(fmt.Errorf("sending a request: %d of %d bytes, %w", n, len(c.row.request), err))
	}
}

// ready reads what there is of the answer.
func (c *client) ready() {
	for {
		room := len(c.in) - c.have
		n, err := c.read(c.in[c.have:])
		if errors.Is(err, errWait) {
			return
		}
		if err != nil {
			c.end(fmt.Errorf("reading an answer: %w", err))
			return
		}
		c.have += n
		done, err := c.take()
		if done || err != nil {
			c.end(err)
		}
		if n < room || err != nil {
			return
		}
	}
}

// end is the end of one request. That a server closes a connection nobody asks on is
// found by the next who does.
func (c *client) end(err error) {
	if c.asking {
		c.asking = false
		c.then(err)
	}
}

// take checks what has come, and reports whether that is the whole answer.
func (c *client) take() (done bool, err error) {
	body := c.in[:c.have]
	if !c.inBody {
		first, f, rest, found := cutHead(body)
		if !found && c.have == len(c.in) {
			return false, errors.New("the answer's fields do not end")
		}
		if !found {
			return false, nil
		}
		if err := c.check(first, f); err != nil {
			return false, err
		}
		c.inBody, body = true, rest
	}
	c.have = 0
	if c.at+len(body) > c.length {
		return false, errors.New("the answer is longer than its Content-Length")
	}
	if want := c.row.want.body; want != nil && !bytes.Equal(body, want[c.at:c.at+len(body)]) {
		return false, errors.New("the body is not the app's")
	}
	c.at += len(body)
	return c.at == c.length, nil
}

// check looks at everything before the body.
func (c *client) check(first []byte, f fields) error {
	status, err := statusOf(first)
	if err != nil {
		return err
	}
	want := c.row.want
	if status != want.status {
		return fmt.Errorf("the answer's status is %d %s", status, f.Get("Sallyport-Error"))
	}
	if err := want.header(f); err != nil {
		return err
	}
	if c.length, err = f.length(); err != nil {
		return err
	}
	if want.body != nil && c.length != len(want.body) {
		return fmt.Errorf("the body has %d bytes, that of the app has %d", c.length, len(want.body))
	}
	return nil
}
