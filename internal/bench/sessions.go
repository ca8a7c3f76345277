package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is a Sallyport with many sessions.
type crowd struct {
	sessions     int
	took, cpu    time.Duration // of all sign-ins; cpu is Sallyport's
	before       float64       // MiB resident without a session
	after        float64       // MiB resident with all of them, each used once
	heap         float64       // MiB of that on Go's heap
	tokens       float64       // MiB that the tokens are long
	resignedLive int           // sessions asked again at the end, all of them alive
}

// crowdAgain is how many sessions are asked once more when all are there.
const crowdAgain = 1000

// crowd signs n people in over HTTP, each the whole way: the redirect with PKCE, the
// callback with its code and ID token, and a request to the app.
func (w *world) crowd(ctx context.Context, n int) (crowd, error) {
	c := crowd{sessions: n}
	part := w.part()
	defer part.close()
	idp, err := startIssuer()
	if err != nil {
		return c, err
	}
	part.ends = append(part.ends, idp.Close)
	r, err := part.rig("Sallyport with many sessions", 1, "SALLYPORT_OIDC_ISSUER="+idp.URL)
	if err != nil {
		return c, err
	}
	p, _, err := r.start(ctx)
	if err != nil {
		return c, err
	}
	if err := pause(ctx, idleFor); err != nil {
		return c, err
	}
	if c.before, err = resident(p); err != nil {
		return c, err
	}
	cookies, err := c.signIn(ctx, p, idp)
	if err != nil {
		return c, err
	}
	c.resignedLive = min(n, crowdAgain)
	for i := range c.resignedLive {
		if err := newVisitor(p.addr).check(ctx, subject(i), cookies[i]); err != nil {
			return c, fmt.Errorf("session %d after all others: %w", i, err)
		}
	}
	if err := pause(ctx, idleFor); err != nil {
		return c, err
	}
	s, err := readStats(ctx, p.stats)
	if err != nil {
		return c, err
	}
	c.heap, c.tokens = s.heap/(1<<20), float64(idp.tokenBytes())/(1<<20)
	c.after, err = resident(p)
	return c, err
}

// signIn makes the sessions and returns the cookie of each.
func (c *crowd) signIn(ctx context.Context, p *process, idp *issuer) ([]string, error) {
	began := time.Now()
	before, err := processCPU(p.pid)
	if err != nil {
		return nil, err
	}
	cookies, err := signInMany(ctx, p.addr, idp, c.sessions)
	if err != nil {
		return nil, err
	}
	c.took = time.Since(began)
	after, err := processCPU(p.pid)
	c.cpu = after - before
	return cookies, err
}

func subject(i int) string { return "person-" + strconv.Itoa(i) }

// signInMany returns the session cookie of each.
func signInMany(ctx context.Context, addr string, idp *issuer, n int) ([]string, error) {
	const visitors = 16
	cookies := make([]string, n)
	errs := make([]error, visitors)
	var next atomic.Int64
	var group sync.WaitGroup
	for k := range visitors {
		group.Go(func() {
			v := newVisitor(addr)
			defer v.client.CloseIdleConnections()
			for i := int(next.Add(1)) - 1; i < n && errs[k] == nil; i = int(next.Add(1)) - 1 {
				cookies[i], errs[k] = v.signIn(ctx, idp, subject(i))
			}
		})
	}
	group.Wait()
	return cookies, errors.Join(errs...)
}

// visitor is a browser without a memory: it follows no redirect and keeps no cookie.
type visitor struct {
	client *http.Client
	origin string
}

func newVisitor(addr string) *visitor {
	return &visitor{origin: "http://" + addr, client: &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signIn goes the whole way once and returns the session cookie.
func (v *visitor) signIn(ctx context.Context, idp *issuer, subject string) (string, error) {
	begun, err := v.get(ctx, path(1), "")
	if err != nil {
		return "", err
	}
	if err := toSignIn(idp.URL).header(begun.Header); err != nil {
		return "", err
	}
	query, err := idp.authorize(begun.Header.Get("Location"), subject)
	if err != nil {
		return "", err
	}
	ended, err := v.get(ctx, "/oauth2/callback?"+query.Encode(), cookiesOf(begun, "sallyport-login-"))
	if err != nil {
		return "", err
	}
	cookie := cookiesOf(ended, "sallyport=")
	if ended.StatusCode != http.StatusFound || cookie == "" {
		return "", fmt.Errorf("the callback answers %s %s without a session", ended.Status, ended.Header.Get("Sallyport-Error"))
	}
	return cookie, v.check(ctx, subject, cookie)
}

// check uses the session once.
func (v *visitor) check(ctx context.Context, subject, cookie string) error {
	got, err := v.get(ctx, path(1), cookie)
	if err != nil {
		return err
	}
	if got.StatusCode != http.StatusOK {
		return fmt.Errorf("a signed-in request answers %s", got.Status)
	}
	return fromApp(nil, subject+"@example.com", true).header(got.Header)
}

func (v *visitor) get(ctx context.Context, target, cookie string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.origin+target, nil)
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	request.Header.Set("Accept", "text/html")
	request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	answer, err := v.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("visiting: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return nil, fmt.Errorf("reading a body: %w", err)
	}
	return answer, nil
}

// cookiesOf are the answer's cookies that begin so and are not taken away, as a Cookie
// field.
func cookiesOf(answer *http.Response, prefix string) string {
	var pairs []string
	for _, c := range answer.Cookies() {
		if pair := c.Name + "=" + c.Value; strings.HasPrefix(pair, prefix) && c.MaxAge >= 0 {
			pairs = append(pairs, pair)
		}
	}
	return strings.Join(pairs, "; ")
}

func (c crowd) rows() [][]string {
	beyond := c.after - c.before - c.tokens
	return [][]string{
		{fmt.Sprintf("%d sessions, beyond their tokens and the idle process, MiB", c.sessions), fmt.Sprintf("%.0f", beyond), "≤ 250 for 100000"},
		{"resident with them, MiB", fmt.Sprintf("%.0f", c.after), ""},
		{"of which on the heap, garbage included, MiB", fmt.Sprintf("%.0f", c.heap), ""},
		{"their tokens, MiB", fmt.Sprintf("%.0f", c.tokens), ""},
		{"a whole sign-in and the first request after it, CPU µs", fmt.Sprintf("%.0f", float64(c.cpu.Microseconds())/float64(c.sessions)), ""},
		{"the same, per second", fmt.Sprintf("%.0f", float64(c.sessions)/c.took.Seconds()), ""},
	}
}
