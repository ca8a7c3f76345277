package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/sallyport/sallyport/idp/demoidp"
)

const (
	clientID     = "bench"
	clientSecret = "bench-client-secret"
)

// rig is a Sallyport and its surroundings: its configuration and its provider.
type rig struct {
	world    *world
	name     string // of the process
	cpus     int    // on which it runs, as processors.start counts them
	env      []string
	addr     string
	admin    string
	issuer   string
	provider *provider
}

// rig starts a demo provider and configures Sallyport for it, for the app and with
// further variables.
func (w *world) rig(name string, cpus int, more ...string) (*rig, error) {
	addr, err := w.freeAddress()
	if err != nil {
		return nil, err
	}
	admin, err := w.freeAddress()
	if err != nil {
		return nil, err
	}
	public := "http://" + addr
	provider, err := startProvider(demoidp.Client{
		RedirectURIs:           []string{public + "/oauth2/callback"},
		PostLogoutRedirectURIs: []string{public + "/oauth2/logout/callback"},
	})
	if err != nil {
		return nil, err
	}
	w.ends = append(w.ends, provider.Close)
	r := &rig{world: w, name: name, cpus: cpus, addr: addr, admin: admin, issuer: provider.URL, provider: provider}
	r.env = append([]string{
		"SALLYPORT_LISTEN=" + addr,
		"SALLYPORT_ADMIN_LISTEN=" + admin,
		"SALLYPORT_PUBLIC_URL=" + public,
		"SALLYPORT_UPSTREAM=" + w.upstream,
		"SALLYPORT_OIDC_ISSUER=" + r.issuer,
		"SALLYPORT_OIDC_CLIENT_ID=" + clientID,
		"SALLYPORT_OIDC_CLIENT_SECRET=" + clientSecret,
		"SALLYPORT_SECRET=" + newKey(),
		"SALLYPORT_ACCESS_LOG=true",
	}, more...)
	return r, nil
}

// newKey is a fresh SALLYPORT_SECRET.
func newKey() string {
	key := make([]byte, 32)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

// start runs Sallyport and returns how long it took until /readyz said yes.
func (r *rig) start(ctx context.Context) (*process, time.Duration, error) {
	began := time.Now()
	cmd := exec.CommandContext(ctx, r.world.binary, "serve")
	cmd.Env = append(os.Environ(), r.env...)
	p, err := r.world.start(r.name, r.cpus, cmd)
	if err != nil {
		return nil, 0, err
	}
	p.addr, p.stats = r.addr, "http://"+r.admin+"/metrics"
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
		select {
		case <-p.ended:
			return nil, 0, errors.New("sallyport ended before it was ready")
		case <-time.After(time.Millisecond):
		}
	}
	return nil, 0, fmt.Errorf("sallyport is not ready after %v: /readyz says %s", startLimit, said)
}
