package oidcrp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// pauses are those between attempts at discovery.
type pauses struct {
	first, longest time.Duration // until it succeeds; each twice the one before
	refresh        time.Duration // afterwards
}

var defaultPauses = pauses{first: time.Second, longest: 30 * time.Second, refresh: time.Hour}

// drainWithin is how long Run waits for revocations under way.
const drainWithin = 5 * time.Second

// errNotYet is Ready's answer before the first attempt has ended.
var errNotYet = errors.New("the provider's metadata have not been fetched yet")

// Run fetches the provider's metadata and keys until ctx ends: at first with
// growing pauses until it succeeds, then every hour. What was fetched last stays
// in use when the provider is down. At the end it waits up to five seconds for
// token revocations under way.
func (c *Client) Run(ctx context.Context) {
	pause := c.pauses.first
	for {
		wait := c.pauses.refresh
		if err := c.discover(ctx); err != nil && ctx.Err() == nil {
			c.discoveryFailed(ctx, err)
			wait = jittered(pause)
			pause = min(2*pause, c.pauses.longest)
		} else {
			pause = c.pauses.first
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			c.revoker.drain(drainWithin)
			return
		}
	}
}

// jittered spreads the attempts of replicas that lost the provider at the same
// moment: three to five quarters of d.
func jittered(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2+1)
}

// Ready returns nil once discovery has succeeded, else why it has not.
func (c *Client) Ready() error {
	if c.provider.Load() != nil {
		return nil
	}
	if err := c.lastFailure.Load(); err != nil {
		return *err
	}
	return errNotYet
}

func (c *Client) discoveryFailed(ctx context.Context, err error) {
	if c.provider.Load() != nil {
		c.log.ErrorContext(ctx, "refreshing the provider's metadata failed; the old ones stay in use", "cause", err)
		return
	}
	c.lastFailure.Store(&err)
	c.log.ErrorContext(ctx, "discovery failed; nobody can sign in at this provider until it succeeds, it is tried again", "cause", err)
}

// discover fetches the metadata and then the keys once. Keys that cannot be
// fetched are no failure: the first sign-in asks for them again.
func (c *Client) discover(ctx context.Context) error {
	found, err := c.fetchMetadata(ctx)
	if err != nil {
		return err
	}
	old := c.provider.Load()
	if old != nil {
		if err := found.movedFrom(old); err != nil {
			return err
		}
	}
	c.keys.setURL(found.JWKSURI)
	if err := c.keys.refresh(ctx); err != nil {
		c.log.WarnContext(ctx, "fetching the provider's keys failed; they are asked for again when a token needs one", "cause", err)
	}
	c.provider.Store(found)
	c.metrics.provider(c.modeOf(found, c.bound.Load()))
	if old == nil {
		c.log.InfoContext(ctx, "discovery done: people can sign in", "issuer", found.Issuer, "mode", c.modeOf(found, c.bound.Load()))
	}
	return nil
}

// fetchMetadata lets go-oidc fetch the metadata and compare the issuer. What it
// leaves to its caller, the limits of time, size and redirects, comes from
// boundedTransport.
func (c *Client) fetchMetadata(ctx context.Context) (*metadata, error) {
	transport := boundedTransport{caller: c.caller, at: atDiscovery}
	if c.cfg.DiscoveryURL != "" {
		// go-oidc knows only the well-known address below the issuer.
		address, err := url.Parse(c.cfg.DiscoveryURL)
		if err != nil {
			return nil, fmt.Errorf("SALLYPORT_OIDC_DISCOVERY_URL is not a URL: %w", err)
		}
		transport.address = address
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, &http.Client{Transport: transport}), c.cfg.Issuer)
	if mismatch, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return nil, CheckIssuer(mismatch.Provided, mismatch.Discovered, c.cfg.Remedies.Issuer)
	}
	if err != nil {
		return nil, fmt.Errorf("fetching the metadata of %s: %w", c.cfg.Issuer, withoutAddress(err))
	}
	var m metadata
	if err := provider.Claims(&m); err != nil {
		return nil, fmt.Errorf("reading the metadata of %s: %w", c.cfg.Issuer, err)
	}
	if c.cfg.ClientAuth.UsesTLS() {
		if err := m.forMutualTLS(); err != nil {
			return nil, err
		}
	}
	if err := m.forPushing(c.cfg.PushedRequests); err != nil {
		return nil, err
	}
	return &m, m.check(c.log)
}

// withoutAddress takes off the wrapping that only repeats the address.
func withoutAddress(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
