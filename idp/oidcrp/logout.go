package oidcrp

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// maxLogoutURL is how long the address of the provider's sign-out may become, in
// bytes; longer ones are refused by many servers. The id_token_hint gives way.
const maxLogoutURL = 8 << 10

// logout is GET and POST /logout: the session ends here first, then the browser is
// led to the provider's sign-out (OpenID Connect RP-Initiated Logout 1.0 §2). A
// GET that another site may have caused gets a page that asks; a POST from another
// site is refused.
func (c *Client) logout(w http.ResponseWriter, r *http.Request) {
	if c.methodNotAllowed(w, r, "GET, POST", http.MethodGet, http.MethodPost) {
		return
	}
	noStore(w)
	rd, err := readLogoutRequest(w, r)
	if err != nil {
		c.cfg.Pages.Fault(w, r, fault.New(fault.BadRequest, err))
		return
	}
	if r.Method == http.MethodPost {
		if err := http.NewCrossOriginProtection().Check(r); err != nil {
			c.cfg.Pages.Fault(w, r, fault.New(fault.CrossSiteRequest, err))
			return
		}
	} else if crossSite(r) {
		c.cfg.Pages.ConfirmSignOut(w, r, c.cfg.Prefix+"/logout", rd)
		return
	}
	c.signOut(w, r, c.logoutTarget(rd))
}

// readLogoutRequest returns the rd of the query or, for a POST, of the form.
func readLogoutRequest(w http.ResponseWriter, r *http.Request) (string, error) {
	q, err := parseParameters(r.URL.RawQuery, "rd")
	if err != nil {
		return "", err
	}
	if r.Method != http.MethodPost || q.Has("rd") {
		return q.Get("rd"), nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuery))
	if err != nil {
		return "", errors.New("the form is too large or was cut short")
	}
	// Whatever else is posted is a sign-out without a return address.
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return "", nil
	}
	form, err := parseParameters(string(body), "rd")
	if err != nil {
		return "", err
	}
	return form.Get("rd"), nil
}

// crossSite reports whether another site may have caused a GET. Browsers say so in
// Sec-Fetch-Site; for one that does not, a foreign Referer does. Neither of them
// is what a person gets by typing the address.
func crossSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		referer := r.Header.Get("Referer")
		if referer == "" {
			return false
		}
		u, err := url.Parse(referer)
		return err != nil || !strings.EqualFold(u.Host, r.Host)
	}
	return true
}

// logoutTarget is where a sign-out leads in the end; the zero value, also for an
// address that may not be returned to, means the signed-out page.
func (c *Client) logoutTarget(rd string) session.ReturnTo {
	if rd == "" {
		return session.ReturnTo{}
	}
	to, err := c.cfg.Returns.Parse(rd)
	if err != nil {
		return session.ReturnTo{}
	}
	return to
}

// signOut ends the session, whatever the provider does or does not offer, and then
// leads there.
func (c *Client) signOut(w http.ResponseWriter, r *http.Request, to session.ReturnTo) {
	provider := c.provider.Load()
	ended, err := c.cfg.Sessions.End(w, r, session.EndedByPerson)
	var hint secret.Text
	atProvider := c.cfg.LogoutHint != LogoutHintFresh
	if ended != nil && ended.IdP == c.cfg.Name {
		var grant session.Grant
		grant, atProvider = c.signOutGrant(r.Context(), ended)
		hint = grant.IDToken
		c.revoke(r.Context(), provider, grant)
	}
	if err != nil {
		c.metrics.loggedOut(logoutIncomplete)
		c.log.ErrorContext(r.Context(), "sign-out: the cookie is cleared, but the store did not confirm that the session ended", "cause", err, requestID(r.Context()))
		c.cfg.Pages.Fault(w, r, fault.New(fault.SignOutIncomplete, err))
		return
	}
	clearSiteData(w, c.cfg.SignOutClears)
	address := ""
	if atProvider {
		address = c.endSessionURL(w, r, provider, hint, to)
	}
	if address == "" {
		c.metrics.loggedOut(logoutLocal)
		c.cfg.Logins.AskForAccount(w)
		c.signedOut(w, r, to, true)
		return
	}
	c.metrics.loggedOut(logoutAtIdP)
	redirect(w, r, address)
}

// clearedCache is the type of Clear-Site-Data that harms nobody: what is cached can
// always be fetched again. What the app stored cannot, so that is for the operator to
// say, and for a sign-out alone.
const clearedCache = "cache"

// clearSiteData has the browser forget what it keeps of this origin (W3C Clear Site
// Data).
func clearSiteData(w http.ResponseWriter, types []string) {
	if len(types) > 0 {
		w.Header().Set("Clear-Site-Data", `"`+strings.Join(types, `", "`)+`"`)
	}
}

// signedOut leads to to, or shows the signed-out page. Its link to sign in asks
// which account when the provider's session goes on: otherwise the next person at
// this browser would be signed in as the last one.
func (c *Client) signedOut(w http.ResponseWriter, r *http.Request, to session.ReturnTo, idpSessionRemains bool) {
	if to != (session.ReturnTo{}) && !idpSessionRemains {
		redirect(w, r, to.String())
		return
	}
	signIn := c.loginPath(to)
	if idpSessionRemains {
		signIn = askingForAccount(signIn)
	}
	c.cfg.Pages.SignedOut(w, r, signIn, idpSessionRemains)
}

// endSessionURL returns the address of the provider's sign-out, "" when it offers
// none, and remembers in the browser where the sign-out leads in the end.
func (c *Client) endSessionURL(w http.ResponseWriter, r *http.Request, provider *metadata, hint secret.Text, to session.ReturnTo) string {
	style := c.signOutStyle(provider)
	if !style.offered() {
		return ""
	}
	state := newState(stateLogout)
	if to != (session.ReturnTo{}) {
		p := session.Pending{IdP: c.cfg.Name, State: state, ReturnTo: to, CreatedAt: c.now()}
		if err := c.cfg.Logins.BeginLogin(w, r, p); err != nil {
			c.log.WarnContext(r.Context(), "sign-out: the return address is lost", "cause", err, requestID(r.Context()))
		}
	}
	address := style.address(&c.cfg, hint, state)
	if len(address) > maxLogoutURL {
		c.log.WarnContext(r.Context(), "sign-out: the ID token is too long for an address, so that the provider may ask the person to confirm", requestID(r.Context()))
		address = style.address(&c.cfg, secret.Text{}, state)
	}
	return address
}

// logoutCallback is GET /logout/callback, where the provider sends the browser
// after its sign-out. A state that this browser was given leads to the rd of the
// sign-out; without one there is the signed-out page. It signs nobody out, so it
// says so only to those who are.
func (c *Client) logoutCallback(w http.ResponseWriter, r *http.Request) {
	if c.methodNotAllowed(w, r, "GET", http.MethodGet) {
		return
	}
	noStore(w)
	to, err := c.logoutReturn(w, r)
	if err != nil {
		c.log.DebugContext(r.Context(), "a sign-out came back without its state", "cause", err, requestID(r.Context()))
	}
	if _, err := c.cfg.Sessions.Peek(r); err == nil {
		if to == (session.ReturnTo{}) {
			to = c.cfg.Returns.Home()
		}
		redirect(w, r, to.String())
		return
	}
	if slices.Contains(c.cfg.SignOutClears, clearedCache) {
		// Once more: the page from which the person signed out was still open when
		// /logout answered, and the browser has put it away since.
		clearSiteData(w, []string{clearedCache})
	}
	c.signedOut(w, r, to, false)
}

func (c *Client) logoutReturn(w http.ResponseWriter, r *http.Request) (session.ReturnTo, error) {
	q, err := parseParameters(r.URL.RawQuery, "state")
	if err != nil {
		return session.ReturnTo{}, err
	}
	if kind, ok := parseState(q.Get("state")); !ok || kind != stateLogout {
		return session.ReturnTo{}, errors.New("no state of a sign-out")
	}
	p, err := c.cfg.Logins.Pending(r, q.Get("state"))
	if err != nil {
		return session.ReturnTo{}, err
	}
	if p.IdP != c.cfg.Name {
		return session.ReturnTo{}, fmt.Errorf("the sign-out went to the provider %q", loggable(p.IdP))
	}
	c.cfg.Logins.ClearPending(w, r, q.Get("state"))
	return p.ReturnTo, nil
}
