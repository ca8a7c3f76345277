package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A request of a connection that was accepted before the door closed is answered,
// and its connection then ends. net/http drops what it reads once Shutdown was called,
// which under load cost some requests at each stop.
func TestAcceptedConnectionsBringTheirRequest(t *testing.T) {
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &leaving{next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "whole") })}
	accepted := make(chan struct{}, 1)
	server := &http.Server{Handler: l, ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			accepted <- struct{}{}
		}
	}}
	served := make(chan error, 1)
	go func() { served <- server.Serve(door) }()

	conn, err := net.Dial("tcp", door.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	<-accepted
	over, closed := make(chan time.Time), make(chan struct{})
	go func() { l.closeDoor(t.Context(), door, over); close(closed) }()
	<-served // no new connections
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("an accepted request was cut: %v", err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != "whole" || err != nil || !resp.Close {
		t.Errorf("got %q, %v; the connection ends: %t", body, err, resp.Close)
	}
	close(over)
	<-closed
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// An upgrade keeps its own Connection field.
func TestLeavingSparesUpgrades(t *testing.T) {
	for _, upgrade := range []string{"", "websocket"} {
		l := &leaving{next: http.NotFoundHandler()}
		l.now.Store(true)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if upgrade != "" {
			r.Header.Set("Upgrade", upgrade)
		}
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		if got := w.Header().Get("Connection") == "close"; got != (upgrade == "") {
			t.Errorf("upgrade %q: the connection ends: %t", upgrade, got)
		}
	}
}

// SIGHUP ends no process: many are used to send it after a change of files.
func TestHangupEndsNothing(t *testing.T) {
	arrived := make(chan os.Signal, 1) // without it, the default action would end the tests
	signal.Notify(arrived, syscall.SIGHUP)
	defer signal.Stop(arrived)
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var log output
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { heedHangups(ctx, slog.New(slog.NewJSONHandler(&log, nil))); close(done) }()
	eventually(t, "the line about SIGHUP", func() bool {
		if err := self.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		<-arrived // so that none is under way when nobody waits for them any more
		return strings.Contains(log.String(), "SIGHUP changes nothing")
	})
	cancel()
	<-done
}
