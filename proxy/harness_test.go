package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/internal/accesslog"
	"github.com/sallyport/sallyport/proxy/pages"
	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// patience bounds waiting for what has to happen. It is long because machines are
// shared, and costs nothing where things work.
const patience = time.Minute

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
	cfg.AccessLog = accesslog.New(accesslog.Config{To: f.logs})
	cfg.AccessLog.Prompt()
	cfg.Logger = slog.New(slog.NewJSONHandler(cfg.AccessLog, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if tune != nil {
		tune(&cfg)
	}
	var err error
	if f.site, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	f.server, err = NewServer(ServerConfig{Handler: f.site, MaxHeaderBytes: 65536, HeaderTimeout: patience, Logger: cfg.Logger})
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

func testConfig(t testing.TB, upstream *url.URL) Config {
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
	returns, err := session.NewReturnPolicy(session.ReturnConfig{PublicURL: public, Prefix: "/oauth2", Own: []string{FormPath, SessionsPath, SignedInPath}})
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
	return Config{
		PublicURL: public, Prefix: "/oauth2", Upstream: upstream, UpstreamTimeout: patience, PassHost: true,
		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Policy:  rules, Cookies: cookies, Returns: returns, Auth: newFakeAuth(), Login: &fakeLogin{}, Pages: renderer,
		Routes: []Route{callback}, AccessLog: accesslog.New(accesslog.Config{To: io.Discard}), Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}
}

// trustLoopback makes the test itself a trusted peer.
func trustLoopback(c *Config) {
	c.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
}

func mustURL(t testing.TB, s string) *url.URL {
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
	_ = conn.SetDeadline(time.Now().Add(patience))
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

// eventually waits for something that another goroutine is about to do.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("never happened: " + what)
		}
		time.Sleep(time.Millisecond)
	}
}
