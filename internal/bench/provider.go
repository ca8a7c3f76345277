package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/sallyport/sallyport/idp/demoidp"
)

// tokensLive is longer than a run, so that no row has a refresh in it.
const tokensLive = time.Hour

// provider is a demo provider that knows when it was asked.
type provider struct {
	*httptest.Server
	mu          sync.Mutex
	first, last time.Time // of the requests since forget
}

// startProvider serves a demo provider with one client, whose id and secret are
// those of every bench.
func startProvider(client demoidp.Client) (*provider, error) {
	p := &provider{Server: httptest.NewUnstartedServer(nil)}
	client.ID, client.Secret = clientID, clientSecret
	idp, err := demoidp.New(demoidp.Config{
		Issuer: "http://" + p.Listener.Addr().String(), Clients: []demoidp.Client{client},
		AccessTokenTTL: tokensLive, IDTokenTTL: tokensLive,
	})
	if err != nil {
		p.Listener.Close()
		return nil, fmt.Errorf("making the demo provider: %w", err)
	}
	p.Config.Handler = p.timed(idp.Handler())
	p.Start()
	return p, nil
}

func (p *provider) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		next.ServeHTTP(w, r)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.first.IsZero() || began.Before(p.first) {
			p.first = began
		}
		p.last = time.Now()
	})
}

func (p *provider) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.first, p.last = time.Time{}, time.Time{}
}

// busy is the time from the first request since forget to the last answer.
func (p *provider) busy() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Sub(p.first)
}
