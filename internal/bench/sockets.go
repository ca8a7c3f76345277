package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/coder/websocket"
)

// socketPath is where an app opens a WebSocket and repeats what it hears.
const socketPath = "/socket"

// repeat answers each message with itself until the connection ends.
func repeat(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != socketPath {
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil || conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}

// sockets is a proxy with many WebSockets that say nothing.
type sockets struct {
	name          string
	count         int
	before, after float64 // MiB resident
}

// spareFiles is what a process has open beside its WebSockets.
const spareFiles = 100

// sockets opens o.sockets WebSockets, or as many as the limit of open files allows, through
// the bare pool and then through Sallyport.
func (w *world) sockets(ctx context.Context, o options) (all []sockets, note string, err error) {
	n := o.sockets
	// Each is two files of the proxy, and two of this program: the client's and
	// the app's.
	limit, err := raiseFileLimit(2*n + spareFiles)
	if err != nil {
		return nil, "", err
	}
	if n = min(n, (limit-spareFiles)/2); n < o.sockets {
		note = fmt.Sprintf(" The system lets a process have %d open files, which is room for %d WebSockets instead of %d; raise the hard limit (ulimit -Hn).", limit, n, o.sockets)
	}
	part := w.part()
	defer part.close()
	server := httptest.NewServer(http.HandlerFunc(repeat))
	part.ends = append(part.ends, server.Close)
	part.upstream = server.URL
	pool, err := part.bare(ctx, rowPool, barePool, 1)
	if err != nil {
		return nil, note, err
	}
	g, err := part.gate(ctx, "Sallyport", 1)
	if err != nil {
		return nil, note, err
	}
	for _, p := range []*process{pool, g.process} {
		s, err := openSockets(ctx, p, g.cookie, n, o.idle)
		if err != nil {
			return nil, note, fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, s)
	}
	return all, note, nil
}

func openSockets(ctx context.Context, p *process, cookie string, n int, idle time.Duration) (sockets, error) {
	s := sockets{name: p.name, count: n}
	var err error
	if s.before, err = resident(p); err != nil {
		return s, err
	}
	header := http.Header{"Cookie": {cookie}}
	for i := range n {
		conn, err := openSocket(ctx, p.addr, header)
		if err != nil {
			return s, fmt.Errorf("WebSocket %d: %w", i+1, err)
		}
		defer conn.CloseNow()
	}
	if err := pause(ctx, idle); err != nil {
		return s, err
	}
	s.after, err = resident(p)
	return s, err
}

// openSocket also says something and hears it again.
func openSocket(ctx context.Context, addr string, header http.Header) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+addr+socketPath, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	const said = "bench"
	if err := conn.Write(ctx, websocket.MessageText, []byte(said)); err != nil {
		conn.CloseNow()
		return nil, fmt.Errorf("writing: %w", err)
	}
	if _, heard, err := conn.Read(ctx); err != nil || string(heard) != said {
		conn.CloseNow()
		return nil, fmt.Errorf("the app answered %q, %w", heard, err)
	}
	return conn, nil
}

func socketRows(all []sockets) [][]string {
	var rows [][]string
	for _, s := range all {
		goal := ""
		if s.name != rowPool {
			goal = "≤ 400 for 10000"
		}
		rows = append(rows, []string{
			fmt.Sprintf("%s with %d idle WebSockets, MiB", s.name, s.count), fmt.Sprintf("%.0f (%.1f before)", s.after, s.before), goal,
		})
	}
	return rows
}
