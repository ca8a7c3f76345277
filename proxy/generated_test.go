package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/proxy/policy"
)

var (
	generated = flag.Int("generated", 10_000, "how many requests TestGeneratedHeaders sends; make fuzz-headers sends 10 million")
	seed      = flag.Uint64("generated.seed", 0, "of the requests of TestGeneratedHeaders; 0 = another one each time")
)

// TestGeneratedHeaders sends requests with managed names in any spelling, as fields, as
// trailers and named by Connection, from strangers and from a trusted peer: none of them
// reaches the app, and the identity there is the session's. Another field of each
// request has to arrive, so that nothing passes because nothing was sent.
func TestGeneratedHeaders(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	workers := runtime.GOMAXPROCS(0)
	all := make([]tally, workers)
	start := time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			g := &generator{Rand: mathrand.New(mathrand.NewPCG(*seed, uint64(w))), forged: make(map[string]int)}
			all[w] = sendGenerated(t, g, *generated/workers)
		})
	}
	wg.Wait()
	sum := tally{forged: make(map[string]int)}
	for _, one := range all {
		sum.add(one)
	}
	t.Logf("seed %d: %d requests in %s, of which %d reached the app and %d did not parse; %d questions of an edge proxy",
		*seed, sum.sent, time.Since(start).Round(time.Millisecond), sum.forwarded, sum.unparsed, sum.asked)
	if sum.forwarded*10 < sum.sent*8 {
		t.Errorf("%d of %d requests reached the app: too few to say anything", sum.forwarded, sum.sent)
	}
	for _, name := range append(slices.Clone(managedNames), misspelt...) {
		if sum.forged[name] == 0 {
			t.Errorf("nobody forged %s", name)
		}
	}
}

// tally says what a run has done.
type tally struct {
	sent, forwarded, unparsed, asked int
	forged                           map[string]int
}

func (a *tally) add(b tally) {
	a.sent, a.forwarded, a.unparsed, a.asked = a.sent+b.sent, a.forwarded+b.forwarded, a.unparsed+b.unparsed, a.asked+b.asked
	for name, n := range b.forged {
		a.forged[name] += n
	}
}

// sendGenerated sends count requests to sites of two configurations in turn, until one
// of them fails.
func sendGenerated(t *testing.T, g *generator, count int) tally {
	sites := []*inProcess{newInProcess(t, tellLittle(t)), newInProcess(t, tellAll(t))}
	sum := tally{forged: g.forged}
	for n := 0; n < count && !t.Failed(); n++ {
		r := g.one(n)
		site := sites[n%len(sites)]
		o := site.send(r.raw, r.from)
		sum.sent++
		switch {
		case !o.parsed:
			sum.unparsed++
		case o.forwarded():
			sum.forwarded++
			checkForwarded(t, site.site, r, o)
		}
		if n%8 == 0 {
			sum.asked++
			checkAsked(t, site, g)
		}
	}
	return sum
}

// tellLittle is a site that tells the app of a claim beside the usual; the client's
// Authorization passes.
func tellLittle(t *testing.T) func(*Config) {
	return func(c *Config) {
		rules, err := policy.New(policy.Config{
			PublicPaths: []string{"/public/**"},
			Rules:       []policy.Rule{{Number: 1, Paths: []string{"/shop/**"}, Methods: []string{"GET"}, Unauthenticated: policy.Allow}},
		})
		if err != nil {
			t.Error(err)
		}
		c.Policy, c.ClaimHeaders = rules, mustClaimHeaders(t, "X-Department=department", "Remote-Role=role")
	}
}

// tellAll is one that tells everything.
func tellAll(t *testing.T) func(*Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Error(err)
	}
	return func(c *Config) {
		tellLittle(t)(c)
		c.PassAccessToken, c.PassIDToken, c.PassAuthorization = true, true, AuthorizationBasic
		c.BasicPassword, c.HeaderEncoding = func() secret.Text { return secret.New("x") }, EncodingPercent
		c.AssertionKeys = func() []*ecdsa.PrivateKey { return []*ecdsa.PrivateKey{key} }
	}
}

// checkForwarded looks at what the app was sent.
func checkForwarded(t *testing.T, s *Site, r generatedRequest, o *outcome) {
	bad := func(format string, a ...any) {
		t.Errorf("%s\n-- the client, trusted %v, sent\n%s\n-- the app got\n%s", fmt.Sprintf(format, a...), r.trusted, r.raw, o.head(t))
	}
	h := o.out.Header
	for name, values := range h {
		if mustGo(name, r.trusted) && strings.Contains(strings.Join(values, ""), forgery) && !relayed(name, r.trusted) {
			bad("%s reached the app", name)
		}
		if folded := slowFold(name); name != http.CanonicalHeaderKey(name) || goneNames[folded] && !oursToSet[name] {
			bad("%s is none of ours", name)
		}
	}
	if got := h["X_custom.name"]; !slices.Equal(got, []string{r.ordinary}) {
		bad("a field that is nobody's is %q, want %q", got, r.ordinary)
	}
	if len(o.out.Trailer) > 0 {
		bad("there are trailers: %v", o.out.Trailer)
	}
	if s.forward.tell.replacesAuthorization() && strings.Contains(strings.Join(h["Authorization"], ""), forgery) {
		bad("the client's Authorization reached the app")
	}
	who := o.who()
	wantUser := []string(nil)
	if who != "" {
		wantUser = []string{who}
	}
	if got := h[headerUser]; !slices.Equal(got, wantUser) {
		bad("X-Forwarded-User is %q, want %q", got, wantUser)
	}
	if want := r.cookie; !strings.HasPrefix(o.out.URL.Path, "/public") && who != want {
		bad("the identity is of %q, want %q", who, want)
	}
}

// who is whose identity the app was told, by the field that is tested against it.
func (o *outcome) who() string {
	email, _, _ := strings.Cut(strings.Join(o.out.Header[headerEmail], ","), "@example.com")
	return email
}

// oursToSet are the names that the app may see because we set them.
var oursToSet = map[string]bool{
	headerUser: true, headerEmail: true, headerPreferredUsername: true, headerGroups: true, headerAccessToken: true, headerIDToken: true,
	"X-Forwarded-For": true, "X-Forwarded-Host": true, "X-Forwarded-Proto": true, "X-Request-Id": true, "Traceparent": true, "X-Department": true, "Remote-Role": true,
}

// relayed are fields whose value a trusted peer says and we pass on.
func relayed(name string, trusted bool) bool { return trusted && name == "X-Request-Id" }

// checkAsked asks as an edge proxy whose client forges fields: the answer has each of
// the set once, and nothing that the client said.
func checkAsked(t *testing.T, p *inProcess, g *generator) {
	lines := []string{"X-Forwarded-Method: GET", "X-Forwarded-Uri: /app/x", "Cookie: __Host-sallyport=alice"}
	for range 1 + g.IntN(4) {
		lines = append(lines, g.field())
	}
	raw := request("GET", askPath, lines...)
	o := p.send(raw, "10.1.2.3:4711")
	if !o.parsed {
		return
	}
	for _, name := range theSet {
		if got := o.header[name]; len(got) != 1 || strings.Contains(got[0], forgery) {
			t.Errorf("%s is %q in the answer with status %d to\n%s", name, got, o.status, raw)
		}
	}
	if got := o.header["X-Auth-Request-User"]; o.status == http.StatusOK && !slices.Equal(got, []string{"alice"}) {
		t.Errorf("X-Auth-Request-User is %q in answer to\n%s", got, raw)
	}
}
