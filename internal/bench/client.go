package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// client is one connection that stays open. One goroutine uses it at a time.
type client struct {
	conn    net.Conn
	answers *bufio.Reader
	row     *row
	buf     []byte
}

// answerLimit is how long an answer may take. It is far beyond anything that is
// measured, so that a crowded machine does not end the run.
const answerLimit = 30 * time.Second

// dial connects, sends the row's request, and checks the answer.
func dial(ctx context.Context, r *row) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.on[0].addr)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	c := &client{conn: conn, answers: bufio.NewReaderSize(conn, 64<<10), row: r, buf: make([]byte, len(r.want.body))}
	if err := c.ask(); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// dialAll makes n clients of the row, or none.
func dialAll(ctx context.Context, r *row, n int) ([]*client, error) {
	clients := make([]*client, 0, n)
	for range n {
		c, err := dial(ctx, r)
		if err != nil {
			hangUp(clients)
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

func hangUp(clients []*client) {
	for _, c := range clients {
		c.conn.Close()
	}
}

// ask sends the request and checks the whole answer.
func (c *client) ask() error {
	if err := c.conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return fmt.Errorf("setting a deadline: %w", err)
	}
	if _, err := c.conn.Write(c.row.request); err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	answer, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != c.row.want.status {
		return fmt.Errorf("the answer's status is %s %s", answer.Status, answer.Header.Get("Sallyport-Error"))
	}
	if err := c.row.want.header(answer.Header); err != nil {
		return err
	}
	return c.checkBody(answer.Body)
}

func (c *client) checkBody(body io.Reader) error {
	if c.row.want.body == nil {
		if _, err := io.Copy(io.Discard, io.LimitReader(body, 1<<20)); err != nil {
			return fmt.Errorf("reading a body: %w", err)
		}
		return nil
	}
	if _, err := io.ReadFull(body, c.buf); err != nil {
		return fmt.Errorf("reading a body: %w", err)
	}
	if n, err := body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return fmt.Errorf("the body is longer than the app's, or ends with %v", err)
	}
	if !bytes.Equal(c.buf, c.row.want.body) {
		return errors.New("the body is not the app's")
	}
	return nil
}
