package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/sallyport/sallyport/session"
)

func (f *fixture) webSocket(ctx context.Context, cookie string) (*websocket.Conn, error) {
	c, res, err := websocket.Dial(ctx, "ws://"+f.addr+"/ws", &websocket.DialOptions{
		Host: "app.example.com", HTTPHeader: http.Header{"Cookie": {cookie}, "Origin": {"https://app.example.com"}},
	})
	if err == nil {
		c.SetReadLimit(2 << 20)
	} else if res != nil {
		err = errors.New(res.Status)
	}
	return c, err
}

// sseApp sends one event and then waits.
func sseApp(contentType string) func(net.Conn, *http.Request, []byte) {
	return func(c net.Conn, _ *http.Request, _ []byte) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: "+contentType+"\r\nTransfer-Encoding: chunked\r\n\r\nd\r\ndata: first\n\n\r\n")
		_, _ = io.Copy(io.Discard, c)
	}
}

func TestEventStream(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*fixture)
	}{
		{"LO-20 ends tidily with the session", func(f *fixture) { f.auth.end("alice") }},
		{"UP-15 ends tidily when we stop", func(f *fixture) { _ = f.site.CloseStreams(context.Background()) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.app.answerBy(sseApp("text/event-stream; charset=utf-8"))
			c := f.dial()
			c.write(request("GET", "/events", "Cookie: "+valid))
			res, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(io.LimitReader(res.Body, 13)).ReadString('\n')
			if err != nil || line != "data: first\n" {
				t.Fatalf("the first event is %q, %v: it was held back", line, err)
			}
			tt.end(f)
			if _, err := io.ReadAll(res.Body); err != nil {
				t.Errorf("the stream was broken off: %v", err)
			}
			c.write(request("GET", "/events"))
			c.answer("GET").wantStatus(t, 401)
		})
	}
	t.Run("on a public path it has no session to end with", func(t *testing.T) {
		f := newFixture(t, nil)
		f.app.answerBy(sseApp("text/event-stream"))
		c := f.dial()
		c.write(request("GET", "/public/events", "Cookie: "+valid))
		if _, err := http.ReadResponse(c.r, nil); err != nil {
			t.Fatal(err)
		}
		if f.auth.watching("alice") != 0 {
			t.Error("a public stream watches a session")
		}
		if err := f.site.CloseStreams(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// TestOpenEndedAnswer: what has no known length and goes on is a stream after a
// while, and is broken off rather than finished.
func TestOpenEndedAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		auth := newFakeAuth()
		registry := newStreams(auth)
		read := func(after time.Duration) error {
			r, w := io.Pipe()
			defer w.Close()
			body := registry.body(r, openEnded, auth.add("carol", session.Identity{}))
			defer body.Close()
			time.Sleep(after)
			synctest.Wait()
			auth.end("carol")
			synctest.Wait()
			go func() {
				_, _ = w.Write([]byte("more"))
				_ = w.Close()
			}()
			_, err := io.ReadAll(body)
			return err
		}
		if err := read(openEndedAfter - time.Second); err != nil {
			t.Errorf("an ordinary page was broken off: %v", err)
		}
		if err := read(openEndedAfter + time.Second); !errors.Is(err, errStreamEnded) {
			t.Errorf("a stream ended with %v", err)
		}
		if n := len(registry.open); n != 0 {
			t.Errorf("%d streams are still registered", n)
		}
	})
}

// A long download once was broken off as soon as Sallyport was told to stop,
// although accepted requests may finish within SALLYPORT_SHUTDOWN_TIMEOUT.
func TestDownloadSurvivesShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := newStreams(newFakeAuth())
		r, w := io.Pipe()
		body := registry.body(r, openEnded, nil)
		time.Sleep(openEndedAfter + time.Second)
		done := make(chan error)
		go func() { done <- registry.closeAll(context.Background()) }()
		synctest.Wait()
		go func() {
			_, _ = w.Write([]byte("the rest"))
			_ = w.Close()
		}()
		if got, err := io.ReadAll(body); err != nil || string(got) != "the rest" {
			t.Errorf("the download ended with %q, %v", got, err)
		}
		_ = body.Close()
		if err := <-done; err != nil {
			t.Errorf("closeAll: %v", err)
		}
	})
}
