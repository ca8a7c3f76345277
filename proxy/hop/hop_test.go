package hop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// app is one that says exactly what a test has it say: for the nth request of a
// connection, the nth script.
type app struct {
	t        *testing.T
	listener net.Listener
	scripts  [][]string // per connection, the answer to each request
	dialled  atomic.Int32

	mu   sync.Mutex
	seen []string // header sections as they came
}

// hangUp closes the connection in place of an answer, after what stands before it.
const hangUp = "\x00"

func newApp(t *testing.T, scripts ...[]string) *app {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{t: t, listener: l, scripts: scripts}
	t.Cleanup(func() { l.Close() })
	go a.serve()
	return a
}

func (a *app) serve() {
	for _, script := range a.scripts {
		c, err := a.listener.Accept()
		if err != nil {
			return
		}
		go a.answer(c, script)
	}
}

func (a *app) answer(c net.Conn, script []string) {
	defer c.Close()
	r := bufio.NewReader(c)
	for _, say := range script {
		var head strings.Builder
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			head.WriteString(line)
			if line == "\r\n" {
				break
			}
		}
		a.mu.Lock()
		a.seen = append(a.seen, head.String())
		a.mu.Unlock()
		text, gone := strings.CutSuffix(say, hangUp)
		if _, err := io.WriteString(c, text); err != nil || gone {
			return
		}
	}
	_, _ = r.ReadByte() // until the other side closes
}

func (a *app) requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen)
}

func (a *app) transport(change func(*Config)) *Transport {
	a.t.Helper()
	cfg := Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			a.dialled.Add(1)
			return new(net.Dialer).DialContext(ctx, "tcp", a.listener.Addr().String())
		},
		HeaderTimeout: 10 * time.Second, MaxHeaderBytes: 8 << 10, MaxIdle: 4, IdleTimeout: time.Minute,
	}
	if change != nil {
		change(&cfg)
	}
	t, err := New(cfg)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(t.CloseIdleConnections)
	return t
}

func request(t testing.TB, method string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://app.example.com/a%2Fb?q=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read returns status and body, or what went wrong in place of them.
func read(t *Transport, r *http.Request) string {
	res, err := t.RoundTrip(r, nil)
	if err != nil {
		return "error: " + err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Sprintf("%d %s, then %v", res.StatusCode, b, err)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, b)
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

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
		})
	}
}

// waitForApp returns once an idle connection that the app closes is seen to be closed.
func waitForApp(t *testing.T, transport *Transport, closes bool) {
	t.Helper()
	transport.idle.mu.Lock()
	defer transport.idle.mu.Unlock()
	for _, c := range transport.idle.conns {
		for closes && c.glance.quiet() {
			if t.Context().Err() != nil {
				t.Fatal("the app has not closed the connection")
			}
		}
	}
}

func TestWhatIsSent(t *testing.T) {
	a := newApp(t, []string{ok})
	r := request(t, "GET")
	r.Host = "public.example.com"
	r.Header = http.Header{
		"Accept": {"a", "b"}, "X-Empty": {""}, "User-Agent": {""},
		"Host": {"evil.example.com"}, "Content-Length": {"7"}, "Transfer-Encoding": {"chunked"}, "Trailer": {"X-Evil"},
	}
	if got := read(a.transport(nil), r); got != "200 ok" {
		t.Fatal(got)
	}
	head := a.seen[0]
	line, rest, _ := strings.Cut(head, "\r\n")
	if line != "GET /a%2Fb?q=1 HTTP/1.1" {
		t.Errorf("the request line is %q", line)
	}
	h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(rest))).ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(h), "map[Accept:[a b] Host:[public.example.com] X-Empty:[]]"; got != want {
		t.Errorf("the fields are %s, want %s", got, want)
	}
}

func TestNothingIsSent(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"line break in a value":  func(r *http.Request) { r.Header["X-A"] = []string{"a\r\nX-Forwarded-User: admin"} },
		"NUL in a value":         func(r *http.Request) { r.Header["X-A"] = []string{"a\x00"} },
		"line break in a name":   func(r *http.Request) { r.Header["X-A\r\nX-B"] = []string{"a"} },
		"colon in a name":        func(r *http.Request) { r.Header["X:A"] = []string{"a"} },
		"empty name":             func(r *http.Request) { r.Header[""] = []string{"a"} },
		"line break in the host": func(r *http.Request) { r.Host = "a\r\nX-B: c" },
		"no host":                func(r *http.Request) { r.Host, r.URL.Host = "", "" },
		"space in the query":     func(r *http.Request) { r.URL.RawQuery = "a HTTP/1.1\r\nX-B: c" },
		"a target that is none":  func(r *http.Request) { r.URL.Opaque = "evil" },
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, []string{ok})
			r := request(t, "GET")
			change(r)
			if got := read(a.transport(nil), r); !strings.HasPrefix(got, "error: the ") {
				t.Errorf("got %q, want an error that says what is wrong", got)
			}
			if a.requests() != 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestCarries(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*http.Request)
		want   bool
	}{
		"GET":             {func(*http.Request) {}, true},
		"HEAD":            {func(r *http.Request) { r.Method = "HEAD" }, true},
		"OPTIONS":         {func(r *http.Request) { r.Method = "OPTIONS" }, true},
		"POST":            {func(r *http.Request) { r.Method = "POST" }, false},
		"DELETE":          {func(r *http.Request) { r.Method = "DELETE" }, false},
		"with a body":     {func(r *http.Request) { r.ContentLength = 1 }, false},
		"chunked":         {func(r *http.Request) { r.ContentLength = -1 }, false},
		"an upgrade":      {func(r *http.Request) { r.Header.Set("Upgrade", "websocket") }, false},
		"an expectation":  {func(r *http.Request) { r.Header.Set("Expect", "100-continue") }, false},
		"a coding beside": {func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }, false},
	} {
		r := request(t, "GET")
		tt.change(r)
		if got := Carries(r); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
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

// pipe is a transport to an app at the other end of a net.Pipe, whose time is the
// bubble's.
func pipe(t *testing.T, app func(net.Conn)) *Transport {
	transport, err := New(Config{
		Dial: func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				if _, err := http.ReadRequest(bufio.NewReader(theirs)); err == nil {
					app(theirs)
				}
			}()
			return ours, nil
		},
		HeaderTimeout: 10 * time.Second, MaxHeaderBytes: 8 << 10, MaxIdle: 4, IdleTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return transport
}

func TestTimeOfHeader(t *testing.T) {
	for name, tt := range map[string]struct {
		takes time.Duration
		want  string
	}{
		"at once":                   {0, "200 ok"},
		"longer than patience":      {time.Second, "200 ok"},
		"just in time":              {10*time.Second - 1, "200 ok"},
		"too long":                  {10*time.Second + 1, "timeout"},
		"the header in two pieces":  {-5 * time.Second, "200 ok"},
		"the second piece too late": {-10*time.Second - 1, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := pipe(t, func(c net.Conn) {
					head := ok
					if tt.takes < 0 {
						_, _ = io.WriteString(c, head[:9])
						head, tt.takes = head[9:], -tt.takes
					}
					time.Sleep(tt.takes)
					_, _ = io.WriteString(c, head)
				})
				began := time.Now()
				got := read(transport, request(t, "GET"))
				if tt.want != "timeout" && got != tt.want || tt.want == "timeout" && !strings.Contains(got, "timeout") {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				time.Sleep(time.Minute) // the app finishes
			})
		})
	}
}

// A body may take its time: only its header section has a deadline.
func TestTimeOfBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := pipe(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
			for _, b := range "abc" {
				time.Sleep(time.Hour)
				_, _ = io.WriteString(c, string(b))
			}
		})
		if got := read(transport, request(t, "GET")); got != "200 abc" {
			t.Errorf("got %q", got)
		}
	})
}

// A client that leaves ends the wait for the app, before the header and after it.
func TestClientLeaves(t *testing.T) {
	for name, first := range map[string]string{"before the header": "", "in the body": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hungUp := make(chan struct{})
				transport := pipe(t, func(c net.Conn) {
					defer close(hungUp)
					_, _ = io.WriteString(c, first)
					_, _ = c.Read(make([]byte, 1))
				})
				ctx, leave := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, leave)
				res, err := transport.RoundTrip(request(t, "GET").WithContext(ctx), nil)
				if first == "" {
					if !errors.Is(err, context.Canceled) {
						t.Errorf("the error is %v", err)
					}
				} else if _, err := io.ReadAll(res.Body); err == nil {
					t.Error("the body ended well")
				}
				<-hungUp
			})
		})
	}
}

func TestDialFails(t *testing.T) {
	transport, err := New(Config{
		Dial: func(context.Context) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		},
		HeaderTimeout: 1, MaxHeaderBytes: 1, MaxIdle: 1, IdleTimeout: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = transport.RoundTrip(request(t, "GET"), nil)
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" {
		t.Errorf("the error is %v", err)
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
