package hop

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
)

// Two requests one after the other, what each is answered, and how many connections it
// takes: the second never gets anything of the first one's.
func TestConnections(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	tests := []struct {
		name    string
		method  string
		scripts [][]string
		first   string // prefix
		second  string
		dialled int32
	}{
		{"kept", "GET", [][]string{{ok, ok}}, "200 ok", "200 ok", 1},
		{"kept after chunks and trailers", "GET", [][]string{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", ok}}, "200 abc", "200 ok", 1},
		{"kept after a long body", "GET", [][]string{{"HTTP/1.1 200 OK\r\nContent-Length: 102400\r\n\r\n" + long, ok}}, "200 " + long, "200 ok", 1},
		{"kept after 204", "GET", [][]string{{"HTTP/1.1 204 No Content\r\n\r\n", ok}}, "204 ", "200 ok", 1},
		{"kept after 304", "GET", [][]string{{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ok}}, "304 ", "200 ok", 1},
		{"kept after HEAD", "HEAD", [][]string{{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}}, "200 ", "200 ", 1},
		{"the app says close", "GET", [][]string{{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"}, {ok}}, "200 ok", "200 ok", 2},
		{"HTTP/1.0", "GET", [][]string{{"HTTP/1.0 200 OK\r\n\r\nold" + hangUp}, {ok}}, "200 old", "200 ok", 2},
		{"a body until the end", "GET", [][]string{{"HTTP/1.1 200 OK\r\n\r\nall of it" + hangUp}, {ok}}, "200 all of it", "200 ok", 2},
		{"closed while idle", "GET", [][]string{{ok + hangUp}, {ok}}, "200 ok", "200 ok", 2},
		{"closed while idle, before a POST", "POST", [][]string{{ok + hangUp}, {ok}}, "200 ok", "200 ok", 2},
		{"closed as the second request comes", "GET", [][]string{{ok, hangUp}, {ok}}, "200 ok", "200 ok", 2},
		{"more than was asked for", "GET", [][]string{{ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"}, {ok}}, "200 ok", "200 ok", 2},
		{"more than a HEAD has", "HEAD", [][]string{{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"}, {"HTTP/1.1 200 OK\r\n\r\n"}}, "200 ", "200 ", 2},
		{"two framings", "GET", [][]string{{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", ok}}, "200 ok", "200 ok", 1},
		{"a short body", "GET", [][]string{{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok" + hangUp}, {ok}}, "200 ok, then unexpected EOF", "200 ok", 2},
		{"nothing on a new connection", "GET", [][]string{{hangUp}, {ok}}, "error: unexpected EOF", "200 ok", 2},
		{"half an answer", "GET", [][]string{{"HTTP/1.1 200 OK\r\nX-A" + hangUp}, {ok}}, "error: malformed", "200 ok", 2},
		{"half an answer on a kept connection", "GET", [][]string{{ok, "HTTP/1.1 2" + hangUp}}, "200 ok", "error: malformed", 1},
		{"garbage", "GET", [][]string{{"SSH-2.0-OpenSSH\r\n\r\n"}, {ok}}, "error: malformed HTTP", "200 ok", 2},
		{"an upgrade that nobody asked for", "GET", [][]string{{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"}, {ok}}, "error: the app switched protocols", "200 ok", 2},
		{"a header section without end", "GET", [][]string{{"HTTP/1.1 200 OK\r\nX-A: " + long}, {ok}}, "error: the answer's header section exceeds 8192 bytes", "200 ok", 2},
		{"informed without end", "GET", [][]string{{strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 1000)}, {ok}}, "error: the answer's header section exceeds 8192 bytes", "200 ok", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newApp(t, tt.scripts...)
			transport := a.transport(nil)
			if got := read(transport, request(t, tt.method)); !strings.HasPrefix(got, tt.first) {
				t.Errorf("the first answer is %.80q, want %.80q", got, tt.first)
			}
			waitForApp(t, transport, strings.HasSuffix(tt.scripts[0][0], hangUp))
			if got := read(transport, request(t, tt.method)); !strings.HasPrefix(got, tt.second) {
				t.Errorf("the second answer is %.80q, want %.80q", got, tt.second)
			}
			if got := a.dialled.Load(); got != tt.dialled {
				t.Errorf("%d connections were made, want %d", got, tt.dialled)
			}
			if got, want := a.surplus.Load() > 0, strings.HasPrefix(tt.name, "more than"); got != want {
				t.Errorf("told of more than an answer: %v, want %v", got, want)
			}
		})
	}
}

// waitForApp returns once an idle connection that the app closes is seen to be closed.
func waitForApp(t *testing.T, transport *Transport, closes bool) {
	t.Helper()
	transport.idle.mu.Lock()
	defer transport.idle.mu.Unlock()
	for _, c := range transport.idle.conns {
		for closes && c.glance.look() == quiet {
			if t.Context().Err() != nil {
				t.Fatal("the app has not closed the connection")
			}
		}
	}
}

func TestInformed(t *testing.T) {
	a := newApp(t, []string{"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + ok})
	var got []string
	res, err := a.transport(nil).RoundTrip(request(t, "GET"), func(status int, h textproto.MIMEHeader) error {
		got = append(got, fmt.Sprint(status, h))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if want := "[103 map[Link:[</a.css>]] 102 map[]]"; fmt.Sprint(got) != want || res.StatusCode != 200 {
		t.Errorf("informed of %v, then %d; want %s, then 200", got, res.StatusCode, want)
	}
}

func TestTrailers(t *testing.T) {
	a := newApp(t, []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n"})
	res, err := a.transport(nil).RoundTrip(request(t, "GET"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.Trailer.Get("X-Sum") != "7" {
		t.Errorf("trailers %v, error %v", res.Trailer, err)
	}
}

// A body that is closed early takes its connection along, also while a read waits.
func TestCloseEndsARead(t *testing.T) {
	a := newApp(t, []string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"}, []string{ok})
	transport := a.transport(nil)
	res, err := transport.RoundTrip(request(t, "GET"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	readers.Go(func() {
		if _, err := res.Body.Read(make([]byte, 9)); err == nil {
			t.Error("the read got something")
		}
	})
	res.Body.Close()
	readers.Wait()
	if got := read(transport, request(t, "GET")); got != "200 ok" || a.dialled.Load() != 2 {
		t.Errorf("%q over %d connections", got, a.dialled.Load())
	}
}

// Whoever closes late closes nothing that is somebody else's by now.
func TestCloseAfterTheEnd(t *testing.T) {
	a := newApp(t, []string{ok, ok, ok})
	transport := a.transport(nil)
	first, err := transport.RoundTrip(request(t, "GET"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(first.Body); err != nil {
		t.Fatal(err)
	}
	second, err := transport.RoundTrip(request(t, "GET"), nil)
	if err != nil {
		t.Fatal(err)
	}
	first.Body.Close()
	if b, err := io.ReadAll(second.Body); string(b) != "ok" || err != nil || a.dialled.Load() != 1 {
		t.Errorf("read %q, %v over %d connections", b, err, a.dialled.Load())
	}
}

func TestIdleConnections(t *testing.T) {
	a := newApp(t, []string{ok, ok}, []string{ok, ok}, []string{ok, ok})
	transport := a.transport(func(c *Config) { c.MaxIdle = 2 })
	var open []*http.Response
	for range 3 {
		res, err := transport.RoundTrip(request(t, "GET"), nil)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, res)
	}
	for _, res := range open {
		_, _ = io.Copy(io.Discard, res.Body)
	}
	if got := len(transport.idle.conns); got != 2 {
		t.Errorf("%d connections are kept, want 2", got)
	}
	transport.CloseIdleConnections()
	if got := len(transport.idle.conns); got != 0 {
		t.Errorf("%d connections are kept after closing them", got)
	}
}

func TestConfigIsComplete(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("an empty Config makes a Transport")
	}
}

// Many at once, some of whom leave, and an app that hangs up now and then: nobody ever
// gets another's answer.
func TestNobodyGetsAnothersAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Query().Get("id")
		switch id[len(id)-1] {
		case '3':
			w.Header().Set("Connection", "close")
		case '5':
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, strings.Repeat(id+",", 3000))
	}))
	defer server.Close()
	a := &app{t: t, listener: server.Listener}
	transport := a.transport(func(c *Config) { c.MaxIdle = 8 })
	var clients sync.WaitGroup
	for client := range 16 {
		clients.Go(func() {
			for i := range 100 {
				id := fmt.Sprintf("%d-%d", client, i)
				ctx, leave := context.WithCancel(t.Context())
				r := request(t, "GET").WithContext(ctx)
				r.URL.RawQuery = "id=" + id
				res, err := transport.RoundTrip(r, nil)
				if err != nil {
					t.Errorf("%s: %v", id, err)
					leave()
					return
				}
				var got []byte
				if i%7 == 0 {
					leave()
					got, _ = io.ReadAll(io.LimitReader(res.Body, 100))
				} else if got, err = io.ReadAll(res.Body); err != nil || len(got) != 3000*(len(id)+1) {
					t.Errorf("%s: %d bytes, %v", id, len(got), err)
				}
				if want := strings.Repeat(id+",", 3000); !strings.HasPrefix(want, string(got)) {
					t.Errorf("%s got %.40q", id, got)
				}
				res.Body.Close()
				leave()
			}
		})
	}
	clients.Wait()
}
