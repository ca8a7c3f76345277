package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/sallyport/sallyport/idp/demoidp"
)

// startups is how often the time to readiness is measured; the median counts.
const startups = 5

// idleFor is how long a fresh process is left alone before its memory is read.
const idleFor = time.Second

const (
	clientID     = "bench"
	clientSecret = "bench-client-secret"
)

// startup is what was found about Sallyport before any load.
type startup struct {
	ready       time.Duration // from exec to 200 at /readyz, median
	residentKiB int           // after idleFor without a request
	binarySize  int64
}

// rig is Sallyport's surroundings: its configuration and its provider, which
// the caller closes.
type rig struct {
	name     string // of the proxy in the report
	binary   string
	env      []string
	addr     string
	admin    string
	provider *httptest.Server
}

// signedIn starts the binary a few times, leaves the last one running, and signs
// in there.
func (r *rig) signedIn(ctx context.Context) (_ *proxy, _ startup, err error) {
	info, err := os.Stat(r.binary)
	if err != nil {
		return nil, startup{}, fmt.Errorf("looking at the binary: %w", err)
	}
	s := startup{binarySize: info.Size()}
	var times []time.Duration
	var p *proxy
	for range startups {
		if p != nil {
			p.stop()
		}
		var ready time.Duration
		if p, ready, err = r.start(ctx); err != nil {
			return nil, s, err
		}
		times = append(times, ready)
	}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	slices.Sort(times)
	s.ready = times[len(times)/2]
	select {
	case <-time.After(idleFor):
	case <-ctx.Done():
		return nil, s, ctx.Err()
	}
	if s.residentKiB, err = residentKiB(p.pid); err != nil {
		return nil, s, err
	}
	person := demoidp.DefaultPeople()[0]
	p.identity = person.Email
	if p.cookie, err = signIn(ctx, "http://"+r.addr+"/bench", person.Name); err != nil {
		return nil, s, fmt.Errorf("signing in: %w", err)
	}
	return p, s, nil
}

// newRig starts a demo provider and configures the binary for it, for upstream and
// with further variables.
func newRig(name, binary, upstream string, more ...string) (*rig, error) {
	r := &rig{name: name, binary: binary, provider: httptest.NewUnstartedServer(nil)}
	var err error
	if r.addr, err = freeAddress(); err != nil {
		return nil, err
	}
	if r.admin, err = freeAddress(); err != nil {
		return nil, err
	}
	public, issuer := "http://"+r.addr, "http://"+r.provider.Listener.Addr().String()
	idp, err := demoidp.New(demoidp.Config{Issuer: issuer, Clients: []demoidp.Client{{
		ID: clientID, Secret: clientSecret,
		RedirectURIs:           []string{public + "/oauth2/callback"},
		PostLogoutRedirectURIs: []string{public + "/oauth2/logout/callback"},
	}}})
	if err != nil {
		return nil, fmt.Errorf("making the demo provider: %w", err)
	}
	r.provider.Config.Handler = idp.Handler()
	r.provider.Start()

	key := make([]byte, 32)
	rand.Read(key)
	r.env = []string{
		"SALLYPORT_LISTEN=" + r.addr,
		"SALLYPORT_ADMIN_LISTEN=" + r.admin,
		"SALLYPORT_PUBLIC_URL=" + public,
		"SALLYPORT_UPSTREAM=" + upstream,
		"SALLYPORT_OIDC_ISSUER=" + issuer,
		"SALLYPORT_OIDC_CLIENT_ID=" + clientID,
		"SALLYPORT_OIDC_CLIENT_SECRET=" + clientSecret,
		"SALLYPORT_SECRET=" + base64.StdEncoding.EncodeToString(key),
		"SALLYPORT_ACCESS_LOG=true",
	}
	r.env = append(r.env, more...)
	return r, nil
}

// start runs Sallyport and returns how long it took until /readyz said yes.
func (r *rig) start(ctx context.Context) (*proxy, time.Duration, error) {
	began := time.Now()
	cmd := exec.CommandContext(ctx, r.binary, "serve")
	cmd.Env = append(os.Environ(), r.env...)
	p, err := start(r.name, cmd)
	if err != nil {
		return nil, 0, err
	}
	p.addr = r.addr
	said := "nothing"
	for time.Since(began) < startLimit && ctx.Err() == nil {
		answer, err := http.Get("http://" + r.admin + "/readyz")
		if err != nil {
			said = err.Error()
		} else {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return p, time.Since(began), nil
			}
			said = answer.Status
		}
		time.Sleep(time.Millisecond)
	}
	p.stop()
	return nil, 0, fmt.Errorf("sallyport is not ready after %v: /readyz says %s", startLimit, said)
}
