package redisstore

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

const issuer = "https://idp.example"

// twoReplicas are managers of one site on one Redis.
func twoReplicas(t *testing.T, redis *server) (a, b *session.Manager) {
	t.Helper()
	keys, err := session.NewKeyRing([]session.Key{session.GenerateKey()}, "streams")
	if err != nil {
		t.Fatal(err)
	}
	cookies, err := session.NewCookies(session.CookieConfig{Name: "sallyport"})
	if err != nil {
		t.Fatal(err)
	}
	var replicas [2]*session.Manager
	for i := range replicas {
		replicas[i], err = session.NewManager(session.Config{
			Store: newStore(t, redis.url()), Keys: keys, Cookies: cookies, MaxAge: 12 * time.Hour, Idle: time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return replicas[0], replicas[1]
}

// stream signs somebody in on a, opens a stream on b, and returns a channel that is
// closed when the session ends for it.
func stream(t *testing.T, a, b *session.Manager, subject string) (*session.Session, <-chan struct{}) {
	t.Helper()
	rec := httptest.NewRecorder()
	login := session.Login{IdP: "generic", Identity: session.Identity{Issuer: issuer, Subject: subject, SID: "sid of " + subject}}
	if _, err := a.Start(rec, httptest.NewRequest(http.MethodGet, "/", nil), login); err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodGet, "/events", nil)
	req.AddCookie(rec.Result().Cookies()[0])
	s, err := b.Authenticate(req)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(b.OnEnd(s, func() { close(ended) }))
	return s, ended
}

// A session that one replica ends for the provider ends at once for the streams on
// another.
func TestEndReachesStreams(t *testing.T) {
	const sessions = 300
	a, b := twoReplicas(t, startRedis(t))
	took := make([]time.Duration, 0, sessions)
	var slowest time.Duration // sign-in on A that B takes up
	for i := range sessions {
		subject := fmt.Sprint("person ", i)
		begun := time.Now()
		_, ended := stream(t, a, b, subject)
		start := time.Now()
		slowest = max(slowest, start.Sub(begun))
		n, err := a.EndSID(t.Context(), issuer, "sid of "+subject, session.EndedByBackChannel)
		if n != 1 || err != nil {
			t.Fatalf("EndSID = %d, %v; want 1", n, err)
		}
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatalf("session %d: the stream goes on", i)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	p99 := took[sessions*99/100]
	t.Logf("ended on A until the end of a stream on B, over %d: median %v, p99 %v, most %v", sessions, took[sessions/2], p99, took[sessions-1])
	if limit := max(time.Second, 3*slowest); p99 > limit {
		t.Errorf("p99 = %v, want at most %v", p99, limit)
	}
}

// A session that ended while nobody could tell this replica ends for its streams once
// there is a connection again.
func TestEndDuringLossReachesStreams(t *testing.T) {
	redis := startRedis(t)
	a, b := twoReplicas(t, redis)
	s, ended := stream(t, a, b, "alice")
	_, goesOn := stream(t, a, b, "bob")
	redis.must("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	redis.must("DEL", recordKey(s.Handle))
	start := time.Now()
	select {
	case <-ended:
		t.Logf("the stream ended after %v", time.Since(start))
	case <-time.After(patience):
		t.Error("the stream goes on")
	}
	select {
	case <-goesOn:
		t.Error("the stream of a session that goes on ended")
	default:
	}
}
