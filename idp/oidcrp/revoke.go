package oidcrp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// maxRevocations bounds how many sign-outs have revocations under way; those above
// are left to expire by themselves.
const maxRevocations = 256

// revocationPauses are those before each further try.
var revocationPauses = [...]time.Duration{time.Second, 4 * time.Second}

// revoker revokes tokens in the background. It is safe for concurrent use.
type revoker struct {
	log    *slog.Logger
	places chan struct{}

	mu       sync.Mutex
	underWay int
	idle     chan struct{} // closed when underWay becomes zero; nil = nobody waits
}

func newRevoker(log *slog.Logger) *revoker {
	return &revoker{log: log, places: make(chan struct{}, maxRevocations)}
}

// start runs work in the background, unless too much is under way.
func (v *revoker) start(work func()) {
	select {
	case v.places <- struct{}{}:
	default:
		v.log.Warn("too many token revocations are under way; the tokens of this sign-out expire by themselves")
		return
	}
	v.mu.Lock()
	v.underWay++
	v.mu.Unlock()
	go func() {
		work()
		<-v.places
		v.mu.Lock()
		defer v.mu.Unlock()
		v.underWay--
		if v.underWay == 0 && v.idle != nil {
			close(v.idle)
			v.idle = nil
		}
	}()
}

// drain waits until nothing is under way, at most for that long.
func (v *revoker) drain(atMost time.Duration) {
	v.mu.Lock()
	if v.underWay == 0 {
		v.mu.Unlock()
		return
	}
	if v.idle == nil {
		v.idle = make(chan struct{})
	}
	idle := v.idle
	v.mu.Unlock()
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
		v.log.Warn("token revocations are still under way at the end; the tokens expire by themselves")
	}
}

// Revoke implements session.Revoker: it revokes the tokens of a session that was
// ended from elsewhere, unless they are another issuer's.
func (c *Client) Revoke(s *session.Session) {
	if c.cfg.admitsIssuer(s.Identity.Issuer) {
		c.revoke(context.Background(), c.provider.Load(), s.Grant)
	}
}

// revoke revokes the tokens of an ended session where the provider can (RFC 7009).
// It returns at once; a failure is only logged, because the session is gone
// already.
func (c *Client) revoke(ctx context.Context, provider *metadata, g session.Grant) {
	if provider == nil || provider.RevocationEndpoint == "" {
		return
	}
	ctx = context.WithoutCancel(ctx)
	c.revoker.start(func() {
		// The refresh token first: many providers revoke everything with it.
		c.revokeToken(ctx, provider.RevocationEndpoint, g.RefreshToken, "refresh_token")
		c.revokeToken(ctx, provider.RevocationEndpoint, g.AccessToken, "access_token")
	})
}

// revokeToken tries until the provider has answered; a refusal is an answer.
func (c *Client) revokeToken(ctx context.Context, address string, token secret.Text, hint string) {
	if token.IsEmpty() {
		return
	}
	var err error
	for try := 0; ; try++ {
		var again bool
		if again, err = c.tryRevoking(ctx, address, token, hint); !again || try == len(revocationPauses) {
			break
		}
		time.Sleep(revocationPauses[try])
	}
	if err != nil {
		c.log.WarnContext(ctx, "a token was not revoked; it expires by itself", "token", hint, "cause", err, requestID(ctx))
	}
}

// tryRevoking reports whether trying again makes sense.
func (c *Client) tryRevoking(ctx context.Context, address string, token secret.Text, hint string) (again bool, err error) {
	a, err := c.post(ctx, atRevocation, address, url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}})
	if err != nil {
		_, called := errors.AsType[*callError](err)
		return called, err
	}
	return a.status >= 500 || a.status == http.StatusTooManyRequests, a.success(atRevocation)
}
