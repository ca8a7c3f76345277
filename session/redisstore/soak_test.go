package redisstore

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// The soak is short unless somebody asks for more:
//
//	go test -run Soak ./session/redisstore -timeout 30m -soak.rounds 200 -soak.takes 3s -soak.requests 500
var (
	soakRounds   = flag.Int("soak.rounds", 5, "rotations of TestSoakRefresh")
	soakTakes    = flag.Duration("soak.takes", 300*time.Millisecond, "how long the token endpoint of TestSoakRefresh takes")
	soakRequests = flag.Int("soak.requests", 50, "requests at once on each replica of TestSoakRefresh")
)

// strict is a provider that rotates refresh tokens and ends everything when one is
// used twice. Its access tokens are expired when they come, so that every request
// of a round waits for that round's refresh.
type strict struct {
	takes   time.Duration
	calls   atomic.Int64
	current atomic.Int64
	reused  atomic.Int64
	expires atomic.Int64 // of the next access token, Unix seconds
}

func (p *strict) grant(n int64) session.Grant {
	g := session.Grant{ObtainedAt: time.Now(), ExpiresAt: time.Unix(p.expires.Load(), 0), Mode: session.ModeFull}
	if err := g.RefreshToken.UnmarshalText(fmt.Append(nil, n)); err != nil {
		panic(err) // it has no reason to
	}
	return g
}

// Refresh implements session.Refresher.
func (p *strict) Refresh(_ context.Context, s *session.Session) (session.Renewal, error) {
	p.calls.Add(1)
	time.Sleep(p.takes)
	n := p.current.Load()
	if s.Grant.RefreshToken.Reveal() != fmt.Sprint(n) || !p.current.CompareAndSwap(n, n+1) {
		p.reused.Add(1)
		return session.Renewal{}, &session.RefreshError{Outcome: session.RefreshEnded, Err: errors.New("invalid_grant")}
	}
	return session.Renewal{Identity: s.Identity, Grant: p.grant(n + 1)}, nil
}

// RF-01 on a real Redis: many requests on each of three replicas at the moment the
// access token expires, with rotation and reuse detection, cost one token call, and
// none of them fails.
func TestSoakRefresh(t *testing.T) {
	const replicas = 3
	r := startRedis(t)
	p := &strict{takes: *soakTakes}
	keys, err := session.NewKeyRing([]session.Key{session.GenerateKey()}, "soak")
	if err != nil {
		t.Fatal(err)
	}
	cookies, err := session.NewCookies(session.CookieConfig{Name: "sallyport"})
	if err != nil {
		t.Fatal(err)
	}
	offset := atomic.Int64{} // how far the managers' clock is ahead
	now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	var managers []*session.Manager
	for range replicas {
		m, err := session.NewManager(session.Config{
			Store: newStore(t, r.url()), Keys: keys, Cookies: cookies, MaxAge: 1000 * time.Hour, Refresher: p, Grace: time.Minute, Now: now,
		})
		if err != nil {
			t.Fatal(err)
		}
		managers = append(managers, m)
	}
	const life = time.Hour
	p.expires.Store(now().Add(life).Unix())
	rec := httptest.NewRecorder()
	login := session.Login{IdP: "generic", Identity: session.Identity{Subject: "alice"}, Grant: p.grant(0)}
	if _, err := managers[0].Start(rec, httptest.NewRequest(http.MethodGet, "/", nil), login); err != nil {
		t.Fatal(err)
	}
	cookie := rec.Result().Cookies()[0]
	for round := range *soakRounds {
		offset.Add(int64(life + time.Second))
		p.expires.Store(now().Add(life).Unix())
		var failed atomic.Int64
		var first atomic.Value
		var wg sync.WaitGroup
		for _, m := range managers {
			for range *soakRequests {
				wg.Go(func() {
					req := httptest.NewRequest(http.MethodGet, "/", nil)
					req.AddCookie(cookie)
					s, err := m.Authenticate(req)
					if err != nil || s.Identity.Subject != "alice" {
						failed.Add(1)
						first.CompareAndSwap(nil, fmt.Sprint(s, err))
					}
				})
			}
		}
		wg.Wait()
		if calls := p.calls.Load(); failed.Load() != 0 || calls != int64(round+1) || p.reused.Load() != 0 {
			t.Fatalf("RF-01 round %d: %d of %d requests failed (%v), %d token calls, %d reuses; want none, %d and none",
				round, failed.Load(), replicas**soakRequests, first.Load(), calls, p.reused.Load(), round+1)
		}
	}
}
