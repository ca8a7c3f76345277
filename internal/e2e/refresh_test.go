package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

var refreshed = record{"event": "grant.success", "grant_type": "refresh_token"}

// replicas are two processes with one public URL, one secret and one Redis.
type replicas struct {
	*world
	a, b *replica
}

// replica is one of them, asked directly, as a load balancer would.
type replica struct {
	process *process
	client  *http.Client
}

// newReplicas starts them; the provider's access tokens live for life seconds, and
// its answers with tokens are held back for slow milliseconds after it has issued
// them.
func newReplicas(t *testing.T, life, slow int, more ...string) *replicas {
	t.Helper()
	w := planWorld(t)
	w.tokenLife, w.tokenSlow = life, slow
	w.startProvider()
	env := []string{
		"SALLYPORT_SESSION_STORE=redis", "SALLYPORT_REDIS_URL=redis://" + startRedis(t),
		"SALLYPORT_SECRET=" + keygen(t), "SALLYPORT_PASS_ACCESS_TOKEN=true", "SALLYPORT_ACCESS_LOG=false",
	}
	env = append(env, more...)
	w.startSallyport(env...)
	r := &replicas{world: w, a: newReplica(t, w.sallyport)}
	w.awaitReady()
	second := start(t, "sallyport, second replica", w.environment(append(env, "SALLYPORT_LISTEN=127.0.0.1:0")...), binaries.sallyport, "serve")
	r.b = newReplica(t, second)
	second.awaitRecord(record{"msg": "discovery done: people can sign in"})
	return r
}

func startRedis(t *testing.T) (address string) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is not on this machine: `make test` installs what these tests need, or says what is missing")
	}
	port := freePort(t)
	redis := start(t, "redis-server", nil, program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", t.TempDir())
	if _, ok := redis.await(func(line string) bool { return strings.Contains(line, "Ready to accept connections") }); !ok {
		t.Fatal("redis-server does not start")
	}
	return "127.0.0.1:" + port
}

func newReplica(t *testing.T, p *process) *replica {
	t.Helper()
	address := p.awaitRecord(record{"msg": "listening", "listener": "proxy"}).text("address")
	return &replica{process: p, client: &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{MaxIdleConnsPerHost: 100, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", address)
		}},
	}}
}

// ask is a script's request with the cookies of b.
func (r *replicas) ask(to *replica, b *browser, method, path string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(context.Background(), method, r.public+path, nil)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Sec-Fetch-Mode", "cors")
	for _, c := range b.client.Jar.Cookies(req.URL) {
		req.AddCookie(c)
	}
	res, err := to.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// tokenAt asks the app through a replica and returns the access token that it got.
func (r *replicas) tokenAt(to *replica, b *browser) (string, error) {
	status, body, err := r.ask(to, b, http.MethodGet, "/api")
	if err != nil || status != http.StatusOK {
		return "", fmt.Errorf("status %d, %w", status, err)
	}
	var got received
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		return "", err
	}
	tokens := got.values("X-Forwarded-Access-Token")
	if len(tokens) != 1 {
		return "", fmt.Errorf("the app got %d access tokens", len(tokens))
	}
	return tokens[0], nil
}

// Parallel requests on both replicas when the access token has expired: the
// provider, which detects the reuse of refresh tokens, is asked once, every request
// gets the new token, and the session lives. RF-01.
func TestReplicasRefreshOnce(t *testing.T) {
	t.Parallel()
	const life, parallel, rounds = 3, 40, 3
	r := newReplicas(t, life, 1000)
	b := newBrowser(t)
	r.signIn(b, "/", "ada")
	for round := range rounds {
		<-time.After(life*time.Second + 500*time.Millisecond) // nobody asks meanwhile
		before := r.provider.count(refreshed)
		var mu sync.Mutex
		seen := map[string]int{}
		var all sync.WaitGroup
		for i := range parallel {
			all.Go(func() {
				token, err := r.tokenAt([]*replica{r.a, r.b}[i%2], b)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("round %d: a request failed: %v", round, err)
				}
				seen[token]++
			})
		}
		all.Wait()
		if len(seen) != 1 {
			t.Errorf("round %d: the app saw %d access tokens, want the new one alone", round, len(seen))
		}
		if n := r.provider.awaitCount(before+1, refreshed) - before; n != 1 {
			t.Errorf("round %d: %d refreshes at the provider, want 1", round, n)
		}
	}
	if n := r.provider.count(record{"event": "grant.error"}); n != 0 {
		t.Errorf("the provider refused %d token requests", n)
	}
}

// Requests that never pause: refreshes happen beside them, one for each new token.
func TestReplicasRefreshBesideRequests(t *testing.T) {
	t.Parallel()
	const life = 3
	r := newReplicas(t, life, 200)
	b := newBrowser(t)
	r.signIn(b, "/", "ada")
	first, err := r.tokenAt(r.a, b)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{first: true}
	var mu sync.Mutex
	var all sync.WaitGroup
	end := time.Now().Add(3 * life * time.Second)
	for i := range 10 {
		all.Go(func() {
			for time.Now().Before(end) {
				token, err := r.tokenAt([]*replica{r.a, r.b}[i%2], b)
				mu.Lock()
				if seen[token] = true; err != nil {
					t.Errorf("a request failed: %v", err)
				}
				mu.Unlock()
				<-time.After(20 * time.Millisecond)
			}
		})
	}
	all.Wait()
	r.await("both replicas to hand on the token of the last refresh", func() bool {
		a, errA := r.tokenAt(r.a, b)
		other, errB := r.tokenAt(r.b, b)
		seen[a], seen[other] = true, true
		return errA == nil && errB == nil && len(seen)-1 == r.provider.count(refreshed)
	})
	if n := r.provider.count(refreshed); n < 3 {
		t.Errorf("%d refreshes in three lifetimes, want at least 3", n)
	}
	if n := r.provider.count(record{"event": "grant.error"}); n != 0 {
		t.Errorf("the provider refused %d token requests", n)
	}
}

// A sign-out on one replica is seen on the other.
func TestSignOutReachesTheOtherReplica(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 300, 0)
	b := newBrowser(t)
	r.signIn(b, "/", "ada")
	if _, err := r.tokenAt(r.b, b); err != nil { // it is in the memory of both now
		t.Fatalf("the second replica does not know the session: %v", err)
	}
	cookies := newBrowser(t)
	cookies.client.Jar = b.client.Jar
	status, _, err := r.ask(r.a, b, http.MethodPost, prefix+"/logout")
	if err != nil || status != http.StatusSeeOther {
		t.Fatalf("signing out: %d, %v", status, err)
	}
	start := time.Now()
	r.await("the second replica to answer 401", func() bool {
		status, _, err := r.ask(r.b, cookies, http.MethodGet, "/api")
		return err == nil && status == http.StatusUnauthorized
	})
	if took, limit := time.Since(start), r.atMost(time.Second); took > limit {
		t.Errorf("it took %s, want at most %s", took, limit)
	}
}

// A replica that is killed between the provider's answer and the store takes the
// new refresh token with it. The other one tries the old one, which the provider
// takes for stolen: the session has ended, and the person signs in again.
func TestKilledWhileRefreshing(t *testing.T) {
	t.Parallel()
	const life = 3
	r := newReplicas(t, life, 2000)
	b := newBrowser(t)
	r.signIn(b, "/", "ada")
	<-time.After(life * time.Second)
	go func() { _, _, _ = r.ask(r.a, b, http.MethodGet, "/api") }() // it is cut off
	r.provider.awaitRecord(refreshed)
	if err := r.a.process.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.a.process.exit()
	r.await("the other replica to know that the session has ended", func() bool {
		status, body, err := r.ask(r.b, b, http.MethodGet, "/api")
		if err == nil && status == http.StatusOK && !strings.Contains(body, `"ada"`) {
			t.Errorf("the app was told of somebody else: %s", body)
		}
		return err == nil && status == http.StatusUnauthorized
	})
	if n := r.provider.count(refreshed); n != 1 {
		t.Errorf("%d refreshes succeeded, want the lost one alone", n)
	}
}

// POST /oauth2/session/refresh asks the provider at once.
func TestForcedRefresh(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 300, 0)
	b := newBrowser(t)
	r.signIn(b, "/", "ada")
	first, err := r.tokenAt(r.a, b)
	if err != nil {
		t.Fatal(err)
	}
	r.await("a refresh that is not joined to the sign-in", func() bool {
		status, body, err := r.ask(r.b, b, http.MethodPost, prefix+"/session/refresh")
		if err != nil || status != http.StatusOK {
			t.Fatalf("%d %s, %v", status, body, err)
		}
		var s struct {
			Mode      string
			RefreshAt time.Time `json:"refresh_at"`
		}
		if err := json.Unmarshal([]byte(body), &s); err != nil || s.Mode != "full" || s.RefreshAt.Before(time.Now()) {
			t.Fatalf("%s, %v", body, err)
		}
		return r.provider.count(refreshed) == 1
	})
	r.await("both replicas to hand on the new token", func() bool {
		a, errA := r.tokenAt(r.a, b)
		other, errB := r.tokenAt(r.b, b)
		return errA == nil && errB == nil && a == other && a != first
	})
}
