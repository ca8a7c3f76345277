package oidcrp

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/idp/demoidp"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/memstore"
)

// tokenLife is the life of an access token at the demo provider. expires_in and
// records know whole seconds, so that it must not be much shorter.
const tokenLife = 4 * time.Second

// demoWorld is a relying party that refreshes sessions at the demo provider, which
// rotates refresh tokens and detects their reuse.
type demoWorld struct {
	*world
	provider *demoidp.Provider
}

// refreshWith breaks the circle between session layer and protocol.
type refreshWith struct{ client *Client }

func (r *refreshWith) Refresh(ctx context.Context, s *session.Session) (session.Renewal, error) {
	return r.client.Refresh(ctx, s)
}

// Revoke implements session.Revoker.
func (r *refreshWith) Revoke(s *session.Session) { r.client.Revoke(s) }

// newDemoWorld registers the relying party at the demo provider as change wants it.
func newDemoWorld(t *testing.T, change ...func(*demoidp.Client)) *demoWorld {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)

	var manager *session.Manager
	late := &refreshWith{}
	w := prepareWorld(t, &hostile{Server: server}, func(c *Config) {
		provider, err := url.Parse(c.RedirectURL)
		must(t, err)
		keys, err := session.NewKeyRing([]session.Key{session.GenerateKey()}, provider.Host)
		must(t, err)
		cookies, err := session.NewCookies(session.CookieConfig{Name: "sallyport"})
		must(t, err)
		store, err := memstore.New(memstore.Config{})
		must(t, err)
		manager, err = session.NewManager(session.Config{
			Store: store, Keys: keys, Cookies: cookies, MaxAge: time.Hour, Grace: time.Minute,
			Refresher: late, Revoker: late, Logger: c.Logger, Registerer: prometheus.NewRegistry(),
		})
		must(t, err)
		c.Sessions, c.Logins, c.Ends = manager, manager, manager
	})
	w.sessions, late.client = manager, w.client
	registered := demoidp.Client{
		ID: testClient, Secret: testSecret,
		RedirectURIs: []string{w.client.cfg.RedirectURL}, PostLogoutRedirectURIs: []string{w.client.cfg.PostLogoutRedirectURL},
	}
	for _, f := range change {
		f(&registered)
	}
	demo, err := demoidp.New(demoidp.Config{Issuer: server.URL, AccessTokenTTL: tokenLife, Clients: []demoidp.Client{registered}})
	must(t, err)
	handler = demo.Handler()
	must(t, w.client.discover(t.Context()))
	return &demoWorld{world: w, provider: demo}
}

var loginID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signInAs goes the way of a person who picks an account.
func (w *demoWorld) signInAs(person string) *session.Session {
	w.t.Helper()
	authorize := w.get("/").Header.Get("Location")
	login := mustURL(w.t, authorize).ResolveReference(mustURL(w.t, w.get(authorize).Header.Get("Location")))
	match := loginID.FindStringSubmatch(drain(w.get(login.String())))
	if match == nil {
		w.t.Fatalf("no account picker at %s", login)
	}
	form := url.Values{"id": {match[1]}, "person": {person}}.Encode()
	res := w.ask(http.MethodPost, login.String(), func(r *http.Request) {
		*r = *mustRequest(w.t, login.String(), form)
	})
	for range 3 {
		next := res.Header.Get("Location")
		if next == "" {
			break
		}
		res = w.get(login.ResolveReference(mustURL(w.t, next)).String())
		if strings.HasPrefix(next, w.site.URL) {
			break
		}
	}
	s, err := w.sessions.Peek(w.withCookies())
	if err != nil {
		w.t.Fatalf("nobody is signed in: %v; log:\n%s", err, w.log)
	}
	return s
}

func mustRequest(t *testing.T, address, form string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// until polls as an app's requests would, and returns how long it took.
func (w *demoWorld) until(what string, is func(*session.Session, error) bool) time.Duration {
	w.t.Helper()
	start := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		s, err := w.sessions.Authenticate(w.withCookies())
		if is(s, err) {
			return time.Since(start)
		}
		if time.Since(start) > 5*tokenLife {
			w.t.Fatalf("%s: not after %s; log:\n%s", what, time.Since(start), w.log)
		}
	}
	return 0
}

// A group that is taken away at the provider is gone within one access-token
// lifetime.
func TestGroupTakenAwayIsGoneWithinOneLifetime(t *testing.T) {
	t.Parallel()
	w := newDemoWorld(t)
	s := w.signInAs("ada")
	if !slices.Contains(s.Identity.Groups, "admins") || s.Grant.Mode != session.ModeFull {
		t.Fatalf("signed in with groups %v, mode %q", s.Identity.Groups, s.Grant.Mode)
	}
	must(t, w.provider.SetPersonGroups("ada", []string{"engineering"}))
	took := w.until("the group is gone", func(s *session.Session, err error) bool {
		return err == nil && !slices.Contains(s.Identity.Groups, "admins")
	})
	if took > tokenLife {
		t.Errorf("the group was there for %s, longer than an access token lives (%s)", took, tokenLife)
	}
	if n := w.provider.RefreshCount(); n != 1 {
		t.Errorf("%d refreshes within one lifetime, want 1", n)
	}
}

// A session that ends at the provider is gone here within one access-token
// lifetime.
func TestSessionEndedAtProviderIsGoneWithinOneLifetime(t *testing.T) {
	t.Parallel()
	w := newDemoWorld(t)
	s := w.signInAs("ada")
	if !w.provider.EndSession(s.Identity.SID) {
		t.Fatalf("no session %q at the provider", s.Identity.SID)
	}
	took := w.until("the session is gone", func(_ *session.Session, err error) bool {
		_, ok := errors.AsType[*session.NoSessionError](err)
		return ok
	})
	if took > tokenLife {
		t.Errorf("the session lived on for %s, longer than an access token (%s)", took, tokenLife)
	}
}

// RF-01: many requests at once, again and again as tokens expire: each rotation
// costs one call, and nobody is signed out by the provider's reuse detection.
func TestParallelRequestsCostOneCallPerRotation(t *testing.T) {
	t.Parallel()
	w := newDemoWorld(t)
	w.signInAs("ada")
	r := w.withCookies()
	seen := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	deadline := time.Now().Add(2 * tokenLife)
	for range 50 {
		wg.Go(func() {
			for time.Now().Before(deadline) {
				s, err := w.sessions.Authenticate(r)
				if err != nil {
					t.Errorf("a request failed: %v", err)
					return
				}
				mu.Lock()
				seen[s.Grant.AccessToken.Reveal()] = true
				mu.Unlock()
				<-time.After(5 * time.Millisecond)
			}
		})
	}
	wg.Wait()
	must(t, w.sessions.Drain(t.Context()))
	s, err := w.sessions.Authenticate(r)
	must(t, err)
	seen[s.Grant.AccessToken.Reveal()] = true
	if n := w.provider.RefreshCount(); n < 2 || n != len(seen)-1 {
		t.Errorf("%d refreshes and %d access tokens: one call for each new one, and at least two", n, len(seen))
	}
}

func TestReplacedClientSecretSignsNobodyOut(t *testing.T) {
	t.Parallel()
	w := newDemoWorld(t)
	w.signInAs("ada")
	w.client.secrets.current = func() secret.Text { return secret.New("replaced at the provider") }
	start := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		// RF-03: the provider refuses the client, and nobody is signed out.
		if _, err := w.sessions.Authenticate(w.withCookies()); err != nil {
			t.Fatalf("signed out %s after the sign-in: %v", time.Since(start), err)
		}
		if time.Since(start) > tokenLife+tokenLife/2 {
			break
		}
	}
	if log := w.log.String(); !strings.Contains(log, "SALLYPORT_OIDC_CLIENT_SECRET") {
		t.Errorf("nothing in the log tells the operator:\n%s", log)
	}
}
