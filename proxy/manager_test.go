package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/memstore"
)

// managed is a fixture whose sessions are real.
type managed struct {
	*fixture
	manager *session.Manager
	ahead   atomic.Int64 // of the real time, in nanoseconds
}

// now is the time of the sessions, which later moves.
func (m *managed) now() time.Time { return time.Now().Add(time.Duration(m.ahead.Load())) }

func (m *managed) later(d time.Duration) { m.ahead.Add(int64(d)) }

func newManaged(t *testing.T, upstream string) *managed {
	t.Helper()
	m := &managed{}
	store, err := memstore.New(memstore.Config{Now: m.now})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := session.NewKeyRing([]session.Key{session.GenerateKey()}, "https://app.example.com|rp1")
	if err != nil {
		t.Fatal(err)
	}
	m.fixture = newFixture(t, func(c *Config) {
		m.manager, err = session.NewManager(session.Config{
			Store: store, Keys: keys, Cookies: c.Cookies, MaxAge: 12 * time.Hour, Idle: time.Hour,
			Now: m.now, Logger: slog.New(slog.DiscardHandler), Registerer: c.Registerer,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Auth, c.Sessions, c.Now = m.manager, m.manager, m.now
		c.Forms, c.FormPages = m.manager, c.Pages.(FormPages)
		c.Routes = append(c.Routes, Route{Path: "/start", Name: "start", Methods: []string{"GET"}, Handler: http.HandlerFunc(m.startHere)})
		if upstream != "" {
			c.Upstream = mustURL(t, upstream)
		}
	})
	return m
}

// signIn makes a session and returns its cookie.
func (m *managed) signIn(name string) string {
	m.t.Helper()
	w := httptest.NewRecorder()
	m.start(w, httptest.NewRequest("GET", "/", nil), name)
	return cookieOf(w.Result())
}

func (m *managed) start(w http.ResponseWriter, r *http.Request, name string) {
	_, err := m.manager.Start(w, r, session.Login{
		IdP: "generic", Identity: session.Identity{Issuer: "https://idp.example.com", Subject: "sub-" + name, User: name},
	})
	if err != nil {
		m.t.Error(err)
	}
}

// startHere signs alice in as a protocol's endpoint would.
func (m *managed) startHere(w http.ResponseWriter, r *http.Request) { m.start(w, r, "alice") }

func cookieOf(res *http.Response) string {
	c := res.Cookies()[0]
	return c.Name + "=" + c.Value
}

func (m *managed) signOut(cookie string) {
	m.t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", cookie)
	if _, err := m.manager.End(httptest.NewRecorder(), r, session.EndedByPerson); err != nil {
		m.t.Fatal(err)
	}
}

func TestRealSessions(t *testing.T) {
	m := newManaged(t, "")
	cookie := m.signIn("alice")
	m.get("/", "Cookie: "+cookie).wantStatus(t, 200)
	got := m.app.only(t)
	if got.values("X-Forwarded-User")[0] != "alice" || got.values("Cookie") != nil {
		t.Errorf("at the app:\n%s", got.head)
	}
	// CK-01: a changed ticket is nobody's, with the same answer at every byte.
	name, value, _ := strings.Cut(cookie, "=")
	for i := range value {
		changed := []byte(value)
		changed[i] ^= 1
		m.get("/", "Cookie: "+name+"="+strings.Map(cookieByte, string(changed))).wantStatus(t, 401)
	}
	for _, line := range []string{
		"Cookie: __Host-sallyport=" + value[:len(value)-1], "Cookie: __Host-sallyport=\"" + value + "\"", "Cookie: __Host-sallyport=",
		"Cookie: =" + cookie, "Cookie: __Host-sallyport=%%%; __Host-sallyport", "Cookie: __Host-sallyport=" + value + " x",
	} {
		m.get("/", line).wantStatus(t, 401) // CK-09, ID-20
	}
	if n := len(m.app.requests()); n != 1 {
		t.Errorf("%d requests at the app, want 1", n)
	}
	if a := m.get("/oauth2/session", "Cookie: "+cookie); !strings.Contains(a.body, `"sub":"sub-alice"`) {
		t.Errorf("/session answered %d %s", a.StatusCode, a.body)
	}
	m.signOut(cookie)
	m.get("/", "Cookie: "+cookie).wantStatus(t, 401)
}

// cookieByte keeps a changed ticket a legal cookie value.
func cookieByte(r rune) rune {
	if r <= ' ' || r == '"' || r == ',' || r == ';' || r == '\\' || r >= 0x7f {
		return 'A'
	}
	return r
}

func TestRealSignOutClosesWebSocket(t *testing.T) {
	m := newManaged(t, echoApp(t).URL)
	cookie, other := m.signIn("alice"), m.signIn("bob")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ours, err := m.webSocket(ctx, cookie)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := m.webSocket(ctx, other)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*websocket.Conn{ours, theirs} {
		if _, _, err := c.Read(ctx); err != nil {
			t.Fatal(err)
		}
	}
	m.signOut(cookie)
	if _, _, err := ours.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("closed with %v", err)
	}
	if err := theirs.Write(ctx, websocket.MessageText, []byte("still here")); err != nil {
		t.Error(err)
	}
	if _, data, err := theirs.Read(ctx); err != nil || string(data) != "still here" {
		t.Errorf("the other person's WebSocket read %q, %v", data, err)
	}
	_ = theirs.CloseNow()
}

var _ Authenticator = (*session.Manager)(nil)
