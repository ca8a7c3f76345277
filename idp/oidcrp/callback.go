package oidcrp

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// callback is where the provider sends the browser back: GET, or POST for
// form_post. Everything that came through the browser is checked, in this order,
// before a code is redeemed: the form of the answer, the cookie of its state, its
// issuer. Then the state is spent.
func (c *Client) callback(w http.ResponseWriter, r *http.Request) {
	if c.methodNotAllowed(w, r, "GET, POST", http.MethodGet, http.MethodPost) {
		return
	}
	idp.NoStore(w)
	home := c.cfg.Returns.Home()
	resp, err := readAuthorizationResponse(w, r)
	if err != nil {
		c.loginFault(w, r, err, c.loginPath(home))
		return
	}
	p, err := c.cfg.Logins.Pending(r, resp.state)
	if err != nil {
		c.withoutCookie(w, r, resp.kind, home, err)
		return
	}
	provider, err := c.checkResponse(resp, p)
	if err != nil {
		c.loginFault(w, r, err, c.loginPath(p.ReturnTo))
		return
	}
	c.cfg.Logins.ClearPending(w, r, resp.state)
	if !c.spent.spend(resp.state) {
		c.withoutCookie(w, r, resp.kind, p.ReturnTo, errors.New("this sign-in has come back before"))
		return
	}
	if resp.code == "" {
		c.loginFault(w, r, resp.failure(), c.loginPath(p.ReturnTo))
		return
	}
	c.finish(w, r, provider, resp.code, p)
}

// checkResponse makes sure that the answer belongs to this sign-in and comes from
// the provider that it went to (RFC 9207 §2.4). The error is a *fault.Error.
func (c *Client) checkResponse(resp *authorizationResponse, p session.Pending) (*metadata, error) {
	if p.IdP != c.cfg.ID {
		return nil, fault.New(fault.IssuerMismatch, fmt.Errorf("the sign-in went to the provider %q and the answer came to %q", loggable(p.IdP), c.cfg.ID))
	}
	provider := c.provider.Load()
	if provider == nil {
		return nil, fault.New(fault.IdPUnavailable, c.Ready())
	}
	if resp.issSent && !c.cfg.admitsIssuer(resp.iss) {
		return nil, fault.New(fault.IssuerMismatch, fmt.Errorf("the answer names the issuer %q and SALLYPORT_OIDC_ISSUER is %q; they must be equal, byte for byte", loggable(resp.iss), c.cfg.Issuer))
	}
	if !resp.issSent && provider.IssSupported {
		return nil, fault.New(fault.IssuerMismatch, errors.New("the provider's metadata promise iss in every answer (RFC 9207) and this one has none; in Keycloak, turn off \"Exclude Issuer From Authentication Response\" for the client"))
	}
	return provider, nil
}

// withoutCookie answers a callback that has no sign-in to belong to: a second tab,
// the back button, a cookie that the browser lost. Who is signed in goes on to the
// app; otherwise the sign-in begins again, once, and then a page explains.
func (c *Client) withoutCookie(w http.ResponseWriter, r *http.Request, kind stateKind, to session.ReturnTo, cause error) {
	_, err := c.cfg.Sessions.Peek(r)
	if err == nil {
		c.log.InfoContext(r.Context(), "a callback that belongs to no sign-in came from somebody who is signed in", "cause", cause, requestID(r.Context()))
		idp.Redirect(w, r, to.String())
		return
	}
	if store, ok := errors.AsType[*session.StoreError](err); ok {
		c.loginFault(w, r, fault.New(fault.StoreUnavailable, store), c.loginPath(to))
		return
	}
	if kind == stateRestarted || !c.navigates(r) {
		c.loginFault(w, r, fault.New(fault.LoginCookieLost, cause), c.loginPath(to))
		return
	}
	c.metrics.loginRestarted(fault.LoginCookieLost)
	c.log.InfoContext(r.Context(), "a callback belongs to no sign-in of this browser; the sign-in begins again", "cause", cause, requestID(r.Context()))
	c.begin(w, r, beginning{to: to, kind: stateRestarted})
}

// navigates is IsNavigation for the callback, which a form may post to.
func (c *Client) navigates(r *http.Request) bool {
	if r.Method == http.MethodPost {
		r = r.WithContext(r.Context())
		r.Method = http.MethodGet
	}
	return c.cfg.IsNavigation(r)
}

// finish redeems the code and starts the session.
func (c *Client) finish(w http.ResponseWriter, r *http.Request, provider *metadata, code string, p session.Pending) {
	// A code is good for one request: it is carried through even if the browser
	// goes away meanwhile.
	login, err := c.signIn(context.WithoutCancel(r.Context()), provider, code, p)
	if _, ok := errors.AsType[*otherSecretError](err); ok && c.beginAgain(w, r, p) {
		return
	}
	if err != nil {
		c.loginFault(w, r, err, c.loginPath(p.ReturnTo))
		return
	}
	s, err := c.cfg.Sessions.Start(w, r, login)
	if err != nil {
		c.revoke(r.Context(), provider, login.Grant) // nobody will use it
		if r.Context().Err() != nil {
			c.leftAlone(w, r, startFault(err, login.Grant))
			return
		}
		c.loginFault(w, r, startFault(err, login.Grant), c.loginPath(p.ReturnTo))
		return
	}
	c.metrics.loginDone(c.now().Sub(p.CreatedAt))
	c.log.InfoContext(r.Context(), "signed in", "session", s.Handle, "sub", loggable(login.Identity.Subject), requestID(r.Context()))
	idp.Redirect(w, r, p.ReturnTo.String())
}

// beginAgain begins a sign-in again whose code was lost to a refused client secret,
// once. It reports whether it has answered.
func (c *Client) beginAgain(w http.ResponseWriter, r *http.Request, p session.Pending) bool {
	if kind, _ := parseState(p.State); kind == stateRestarted || !c.navigates(r) {
		return false
	}
	c.metrics.loginRestarted(fault.ClientRejected)
	c.log.WarnContext(r.Context(), "the provider refused the client secret for a code; the sign-in begins again with the other one", requestID(r.Context()))
	c.begin(w, r, beginning{to: p.ReturnTo, attempt: p.Attempt, kind: stateRestarted, acr: p.ACR, maxAge: p.MaxAge})
	return true
}

// leftAlone ends a sign-in whose browser went away: neither the store nor the
// provider is to blame, and nobody is there to be given a session.
func (c *Client) leftAlone(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	c.log.InfoContext(r.Context(), "the browser went away during a sign-in; its tokens are revoked", "cause", f.Cause, requestID(r.Context()))
	idp.NoStore(w)
	c.cfg.Pages.Fault(w, r, f)
}

// startFault says why there is no session although somebody has signed in.
func startFault(err error, g session.Grant) *fault.Error {
	if _, ok := errors.AsType[*session.NotBoundError](err); ok {
		return notBound(g, err)
	}
	if _, ok := errors.AsType[*session.TooLargeError](err); ok {
		return fault.New(fault.SessionTooLarge, err)
	}
	if _, ok := errors.AsType[*session.StoreError](err); ok {
		return fault.New(fault.StoreUnavailable, err)
	}
	return fault.New(fault.Internal, err)
}

// signIn asks the provider who this is. The error is or wraps a *fault.Error.
func (c *Client) signIn(ctx context.Context, provider *metadata, code string, p session.Pending) (session.Login, error) {
	tokens, err := c.redeem(ctx, provider, code, p.Verifier)
	if err != nil {
		return session.Login{}, err
	}
	claims, err := c.verifyIDToken(ctx, tokens.idToken.Reveal(), expected{nonce: p.Nonce, accessToken: tokens.accessToken, begun: p.CreatedAt, acr: p.ACR, maxAge: p.MaxAge})
	if err != nil {
		return session.Login{}, err
	}
	info, err := c.userinfo(ctx, provider, tokens.accessToken, claims)
	if err != nil {
		return session.Login{}, err
	}
	identity, err := c.identityOf(ctx, claims, info)
	if err != nil {
		return session.Login{}, err
	}
	grant := tokens.grant()
	c.bind(&grant, provider, c.bindsSession(tokens))
	return session.Login{IdP: c.cfg.ID, Identity: identity, Grant: grant, Attempt: p.Attempt}, nil
}
