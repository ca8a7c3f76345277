package e2e

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// endAtProvider signs b out at the provider, without a word to Sallyport from the
// browser.
func (w *world) endAtProvider(b *browser) {
	w.t.Helper()
	p := b.submit(b.open(w.issuer+"/session/end"), url.Values{"logout": {"yes"}})
	if p.status != http.StatusOK {
		w.t.Fatalf("signing out at the provider: %d\n%s", p.status, p.body)
	}
}

// The provider ends its session and tells one replica: the other one, its streams
// and every copy of the cookie know it, too. LO-20.
func TestBackChannelLogoutReachesEverything(t *testing.T) {
	t.Parallel()
	const rounds = 40
	r := newReplicas(t, 300, 0)
	var took []time.Duration
	for range rounds {
		b := newBrowser(t)
		r.signIn(b, "/", "ada")
		if _, err := r.tokenAt(r.b, b); err != nil { // both have it in memory now
			t.Fatal(err)
		}
		start := time.Now()
		r.endAtProvider(b)
		for _, replica := range []*replica{r.a, r.b} {
			r.await("401", func() bool {
				status, _, err := r.ask(replica, b, http.MethodGet, "/api")
				return err == nil && status == http.StatusUnauthorized
			})
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	t.Logf("from the form at the provider until both replicas answer 401, over %d rounds: median %s, p99 %s", rounds, took[rounds/2], p99)
	if limit := r.atMost(time.Second); p99 > limit {
		t.Errorf("p99 is %s, want at most %s", p99, limit)
	}
}

// An open WebSocket and an open event stream end with the session, on the replica
// that was not told; the captured cookie opens nothing any more.
func TestBackChannelLogoutEndsStreams(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 300, 0)
	b := newBrowser(t)
	r.signIn(b, "/", "ada")
	public, err := url.Parse(r.public)
	if err != nil {
		t.Fatal(err)
	}
	captured := b.client.Jar.Cookies(public)
	header := http.Header{}
	for _, c := range captured {
		header.Add("Cookie", c.Name+"="+c.Value)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	socket, _, err := websocket.Dial(ctx, r.public+"/socket", &websocket.DialOptions{HTTPClient: r.b.client, HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.CloseNow()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.public+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	events, err := (&http.Client{Transport: r.b.client.Transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	if _, err := io.ReadFull(events.Body, make([]byte, 8)); err != nil {
		t.Fatal(err)
	}

	start := time.Now()
	r.endAtProvider(b)
	if _, err := io.Copy(io.Discard, events.Body); err != nil {
		t.Errorf("the event stream did not end tidily: %v", err)
	}
	streamEnded := time.Since(start)
	_, _, err = socket.Read(ctx)
	if status := websocket.CloseStatus(err); status != websocket.StatusPolicyViolation {
		t.Errorf("the WebSocket ended with %v, want the code 1008", err)
	}
	socketEnded := time.Since(start)
	t.Logf("the event stream ended after %s, the WebSocket after %s", streamEnded, socketEnded)
	if limit := r.atMost(5 * time.Second); streamEnded > limit || socketEnded > limit {
		t.Errorf("after %s and %s, want at most %s", streamEnded, socketEnded, limit)
	}

	thief := newBrowser(t)
	thief.client.Jar.SetCookies(public, captured)
	refused := 0
	for i := range 1000 {
		status, _, err := r.ask([]*replica{r.a, r.b}[i%2], thief, http.MethodGet, "/api")
		if err != nil {
			t.Fatal(errors.Join(errors.New("asking with the captured cookie"), err))
		}
		if status == http.StatusUnauthorized {
			refused++
		}
	}
	if refused != 1000 {
		t.Errorf("the captured cookie was refused %d times of 1000", refused)
	}
}
