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
	"sync"
	"sync/atomic"
	"time"
)

// load is what every proxy gets alike.
type load struct {
	body  []byte // of each right answer
	conns int
	lasts time.Duration
}

// sample is one slice of load on one proxy.
type sample struct {
	requests int64
	cpu      time.Duration // of the proxy's process
	took     time.Duration
}

// perRequest is the CPU time of one request in microseconds.
func (s sample) perRequest() float64 {
	return float64(s.cpu.Nanoseconds()) / 1e3 / float64(s.requests)
}

// run opens the connections, sends one request over each, and only then
// measures until the slice is over and every request is answered.
func (l load) run(ctx context.Context, p *proxy) (sample, error) {
	clients := make([]*client, l.conns)
	for i := range clients {
		c, err := l.dial(ctx, p)
		if err != nil {
			return sample{}, err
		}
		defer c.conn.Close()
		clients[i] = c
	}
	cpu, err := processCPU(p.pid)
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	requests, err := l.drive(ctx, clients, began.Add(l.lasts))
	if err != nil {
		return sample{}, err
	}
	took := time.Since(began)
	after, err := processCPU(p.pid)
	if err != nil {
		return sample{}, err
	}
	return sample{requests: requests, cpu: after - cpu, took: took}, nil
}

func (l load) drive(ctx context.Context, clients []*client, end time.Time) (int64, error) {
	var requests atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, len(clients))
	for i, c := range clients {
		group.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				if errs[i] = c.ask(); errs[i] != nil {
					return
				}
				requests.Add(1)
			}
		})
	}
	group.Wait()
	return requests.Load(), errors.Join(append(errs, ctx.Err())...)
}

// client is one connection that stays open.
type client struct {
	conn     net.Conn
	answers  *bufio.Reader
	request  []byte
	body     []byte
	identity string
	buf      []byte
}

func (l load) dial(ctx context.Context, p *proxy) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	c := &client{
		conn:    conn,
		answers: bufio.NewReaderSize(conn, 64<<10),
		request: fmt.Appendf(nil, "GET /bench HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\nCookie: %s\r\n\r\n",
			p.addr, p.cookie),
		body:     l.body,
		identity: p.identity,
		buf:      make([]byte, len(l.body)),
	}
	if err := c.ask(); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// ask sends the request and checks the whole answer.
func (c *client) ask() error {
	if err := c.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return fmt.Errorf("setting a deadline: %w", err)
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	answer, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer's status is %s", answer.Status)
	}
	if got := answer.Header.Get(echoHeader); got != c.identity {
		return fmt.Errorf("the app was told %q, want %q", got, c.identity)
	}
	if _, err := io.ReadFull(answer.Body, c.buf); err != nil {
		return fmt.Errorf("reading a body: %w", err)
	}
	if n, err := answer.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return fmt.Errorf("the body is longer than the app's, or ends with %v", err)
	}
	if !bytes.Equal(c.buf, c.body) {
		return errors.New("the body is not the app's")
	}
	return nil
}
