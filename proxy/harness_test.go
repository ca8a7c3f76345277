package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/proxy/pages"
	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// valid is alice's cookie in these tests, VALID in their names.
const valid = "__Host-sallyport=alice"

// fixture is a Site on a real listener in front of a recorder.
type fixture struct {
	t      *testing.T
	site   *Site
	server *http.Server
	addr   string
	app    *recorder
	auth   *fakeAuth
	login  *fakeLogin
	logs   *logBuffer
	reg    *prometheus.Registry
}

// newFixture starts it with the defaults of the attack corpus, changed by tune.
func newFixture(t *testing.T, tune func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, auth: newFakeAuth(), login: &fakeLogin{}, logs: &logBuffer{}, reg: prometheus.NewRegistry()}
	f.app = newRecorder(t)
	cfg := testConfig(t, f.app.url())
	cfg.Auth, cfg.Login, cfg.Registerer = f.auth, f.login, f.reg
	cfg.Logger = slog.New(slog.NewJSONHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if tune != nil {
		tune(&cfg)
	}
	var err error
	if f.site, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	f.server, err = NewServer(ServerConfig{Handler: f.site, MaxHeaderBytes: 65536, HeaderTimeout: 10 * time.Second, Logger: cfg.Logger})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = listener.Addr().String()
	go func() { _ = f.server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = f.site.CloseStreams(ctx)
		_ = f.server.Close()
		f.site.Close()
	})
	return f
}

func testConfig(t *testing.T, upstream *url.URL) Config {
	t.Helper()
	public := mustURL(t, "https://app.example.com")
	rules, err := policy.New(policy.Config{PublicPaths: []string{"/public/**"}})
	if err != nil {
		t.Fatal(err)
	}
	cookies, err := session.NewCookies(session.CookieConfig{Name: "sallyport", Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	returns, err := session.NewReturnPolicy(session.ReturnConfig{PublicURL: public, Prefix: "/oauth2"})
	if err != nil {
		t.Fatal(err)
	}
	renderer, err := pages.New(pages.Config{PublicURL: public, LogoutPath: "/oauth2/logout"})
	if err != nil {
		t.Fatal(err)
	}
	callback := Route{Path: "/callback", Name: "callback", Methods: []string{"GET", "POST"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "callback")
	})}
	auth := Route{Path: "/auth", Name: "auth", Methods: []string{"GET"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	})}
	return Config{
		PublicURL: public, Prefix: "/oauth2", Upstream: upstream, UpstreamTimeout: 5 * time.Second, PassHost: true,
		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Policy:  rules, Cookies: cookies, Returns: returns, Auth: newFakeAuth(), Login: &fakeLogin{}, Pages: renderer,
		Routes: []Route{callback, auth}, AccessLog: true, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}
}

// trustLoopback makes the test itself a trusted peer.
func trustLoopback(c *Config) {
	c.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// answer is a response that was read whole.
type answer struct {
	*http.Response
	body string
}

func (a *answer) wantStatus(t *testing.T, status ...int) {
	t.Helper()
	for _, s := range status {
		if a.StatusCode == s {
			return
		}
	}
	t.Errorf("status %d, want one of %d\n%s", a.StatusCode, status, a.body)
}

// connection is a raw client connection.
type connection struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (f *fixture) dial() *connection {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &connection{Conn: conn, t: f.t, r: bufio.NewReader(conn)}
}

func (c *connection) write(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads one whole response to a request of that method.
func (c *connection) answer(method string) *answer {
	c.t.Helper()
	a, err := c.tryAnswer(method)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c *connection) tryAnswer(method string) (*answer, error) {
	for {
		res, err := http.ReadResponse(c.r, &http.Request{Method: method})
		if err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
		if res.StatusCode < 200 && res.StatusCode != 101 {
			continue
		}
		if res.StatusCode == 101 {
			return &answer{Response: res}, nil
		}
		body, err := io.ReadAll(res.Body)
		return &answer{Response: res, body: string(body)}, err
	}
}

// send writes raw bytes on a new connection and returns the first answer.
func (f *fixture) send(raw string) *answer {
	f.t.Helper()
	c := f.dial()
	c.write(raw)
	method, _, _ := strings.Cut(raw, " ")
	return c.answer(method)
}

// get sends a request with the Host and those header lines.
func (f *fixture) get(path string, lines ...string) *answer {
	f.t.Helper()
	return f.send(request("GET", path, lines...))
}

func request(method, path string, lines ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: app.example.com\r\n", method, path)
	for _, l := range lines {
		b.WriteString(l + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// recorder is an app that keeps every byte it was sent.
type recorder struct {
	t        *testing.T
	listener net.Listener
	conns    sync.WaitGroup

	mu       sync.Mutex
	seen     []recorded
	respond  func(net.Conn, *http.Request, []byte)
	accepted int

	skipBodies bool // answer before reading a body; set before the first request
}

// recorded is one request: its head and body as they came.
type recorded struct {
	head string
	body string
}

// lines returns the header lines, request line excluded.
func (r recorded) lines() []string { return strings.Split(r.head, "\r\n")[1:] }

func (r recorded) target() string { return strings.Fields(r.head)[1] }

// values returns the values of the lines with exactly that name in any case.
func (r recorded) values(name string) []string {
	var out []string
	for _, l := range r.lines() {
		if n, v, _ := strings.Cut(l, ":"); strings.EqualFold(n, name) {
			out = append(out, strings.TrimSpace(v))
		}
	}
	return out
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{t: t, listener: l}
	go rec.accept()
	t.Cleanup(func() { _ = l.Close() })
	return rec
}

func (r *recorder) url() *url.URL { return &url.URL{Scheme: "http", Host: r.listener.Addr().String()} }

func (r *recorder) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.accepted++
		r.mu.Unlock()
		go r.serve(conn)
	}
}

func (r *recorder) serve(conn net.Conn) {
	defer conn.Close()
	var raw bytes.Buffer
	br := bufio.NewReader(io.TeeReader(conn, &raw))
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		respond := r.responder()
		if req.Header.Get("Expect") != "" && !r.skipBodies {
			_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		if !r.skipBodies && req.Header.Get("Upgrade") == "" {
			_, err = io.Copy(io.Discard, req.Body)
		}
		head, body, _ := strings.Cut(raw.String(), "\r\n\r\n")
		r.mu.Lock()
		r.seen = append(r.seen, recorded{head: head, body: body})
		r.mu.Unlock()
		if err != nil {
			return
		}
		raw.Reset()
		if respond != nil {
			respond(conn, req, []byte(body))
			continue
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

func (r *recorder) responder() func(net.Conn, *http.Request, []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.respond
}

// answerWith makes the app send these bytes for every request.
func (r *recorder) answerWith(raw string) {
	r.answerBy(func(conn net.Conn, _ *http.Request, _ []byte) { _, _ = io.WriteString(conn, raw) })
}

func (r *recorder) answerBy(f func(net.Conn, *http.Request, []byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.respond = f
}

func (r *recorder) requests() []recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]recorded(nil), r.seen...)
}

// only returns the one request that came.
func (r *recorder) only(t *testing.T) recorded {
	t.Helper()
	seen := r.requests()
	if len(seen) != 1 {
		t.Fatalf("%d requests at the app, want 1", len(seen))
	}
	return seen[0]
}

func (r *recorder) wantNone(t *testing.T) {
	t.Helper()
	if seen := r.requests(); len(seen) != 0 {
		t.Errorf("the app got %q", seen[0].head)
	}
}

// fakeAuth knows sessions by the value of the session cookie.
type fakeAuth struct {
	mu       sync.Mutex
	sessions map[string]*session.Session
	failure  error
	watchers map[session.Handle][]func()
	touched  int
	peeked   int
	asked    int
}

func newFakeAuth() *fakeAuth {
	a := &fakeAuth{sessions: map[string]*session.Session{}, watchers: map[session.Handle][]func(){}}
	a.add("alice", session.Identity{Subject: "sub-alice", User: "alice", Email: "alice@example.com", Name: "alice.a", Groups: []string{"staff"}})
	a.add("bob", session.Identity{Subject: "sub-bob", User: "bob", Email: "bob@example.com", Name: "bob.b"})
	return a
}

func (a *fakeAuth) add(cookie string, id session.Identity) *session.Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	s := &session.Session{
		IdP: "generic", Identity: id, CreatedAt: now, LastSeen: now, ExpiresAt: now.Add(12 * time.Hour), IdleAt: now.Add(time.Hour),
		Grant: session.Grant{AccessToken: secret.New("at-" + cookie), IDToken: secret.New("idt-" + cookie)},
	}
	copy(s.Handle[:], cookie)
	a.sessions[cookie] = s
	return s
}

func (a *fakeAuth) find(r *http.Request) (*session.Session, error) {
	if a.failure != nil {
		return nil, a.failure
	}
	c, err := r.Cookie("__Host-sallyport")
	if err != nil {
		return nil, &session.NoSessionError{Why: session.NoCookie}
	}
	s, ok := a.sessions[c.Value]
	if !ok {
		return nil, &session.NoSessionError{Why: session.CookieInvalid}
	}
	return s, nil
}

func (a *fakeAuth) Authenticate(r *http.Request) (*session.Session, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	return a.find(r)
}

func (a *fakeAuth) Peek(r *http.Request) (*session.Session, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.peeked++
	return a.find(r)
}

func (a *fakeAuth) Touch(_ context.Context, s *session.Session) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.touched++
	for _, known := range a.sessions {
		if known.Handle == s.Handle {
			return nil
		}
	}
	return &session.NoSessionError{Why: session.SessionGone}
}

func (a *fakeAuth) OnEnd(s *session.Session, f func()) func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watchers[s.Handle] = append(a.watchers[s.Handle], sync.OnceFunc(f))
	return func() {}
}

// end ends a session as a sign-out would.
func (a *fakeAuth) end(cookie string) {
	a.mu.Lock()
	s := a.sessions[cookie]
	delete(a.sessions, cookie)
	watchers := a.watchers[s.Handle]
	a.mu.Unlock()
	for _, f := range watchers {
		go f()
	}
}

func (a *fakeAuth) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failure = err
}

func (a *fakeAuth) watching(cookie string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.sessions[cookie]; s != nil {
		return len(a.watchers[s.Handle])
	}
	return 0
}

// fakeLogin answers as the relying party would.
type fakeLogin struct {
	mu      sync.Mutex
	to      []string
	attempt int
}

func (l *fakeLogin) Begin(w http.ResponseWriter, _ *http.Request, to session.ReturnTo, attempt int) {
	l.mu.Lock()
	l.to = append(l.to, to.String())
	l.attempt = attempt
	l.mu.Unlock()
	w.Header().Set("Location", "https://idp.example.com/authorize")
	w.WriteHeader(http.StatusFound)
}

func (l *fakeLogin) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.to) == 0 {
		return ""
	}
	return l.to[len(l.to)-1]
}

// logBuffer keeps what was logged, and how many writes it took.
type logBuffer struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	writes int
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// eventually waits for something that another goroutine is about to do.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("never happened: " + what)
		}
		time.Sleep(time.Millisecond)
	}
}

var errStore = &session.StoreError{Op: "get", Err: errors.New("dial tcp 192.0.2.1:6379: i/o timeout")}
