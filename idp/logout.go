package idp

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// logout is GET and POST /logout: the session ends here first, then the browser is led
// to the sign-out of the provider that the session was of (OpenID Connect RP-Initiated
// Logout 1.0 §2). A GET that another site may have caused gets a page that asks; a POST
// from another site is refused.
func (s *Providers) logout(w http.ResponseWriter, r *http.Request) {
	if !s.hasMethod(w, r, http.MethodGet, http.MethodPost) {
		return
	}
	NoStore(w)
	rd, err := readLogoutRequest(w, r)
	if err != nil {
		s.cfg.Pages.Fault(w, r, fault.New(fault.BadRequest, err))
		return
	}
	if r.Method == http.MethodPost {
		if err := http.NewCrossOriginProtection().Check(r); err != nil {
			s.cfg.Pages.Fault(w, r, fault.New(fault.CrossSiteRequest, err))
			return
		}
	} else if crossSite(r) {
		s.cfg.Pages.ConfirmSignOut(w, r, s.cfg.Prefix+"/logout", rd)
		return
	}
	s.signOut(w, r, s.logoutTarget(rd))
}

// readLogoutRequest returns the rd of the query or, for a POST, of the form.
func readLogoutRequest(w http.ResponseWriter, r *http.Request) (string, error) {
	q, err := ParseParameters(r.URL.RawQuery, "rd")
	if err != nil {
		return "", err
	}
	if r.Method != http.MethodPost || q.Has("rd") {
		return q.Get("rd"), nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxQuery))
	if err != nil {
		return "", errors.New("the form is too large or was cut short")
	}
	// Whatever else is posted is a sign-out without a return address.
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return "", nil
	}
	form, err := ParseParameters(string(body), "rd")
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
func (s *Providers) logoutTarget(rd string) session.ReturnTo {
	if rd == "" {
		return session.ReturnTo{}
	}
	to, err := s.cfg.Returns.Parse(rd)
	if err != nil {
		return session.ReturnTo{}
	}
	return to
}

// ofSignOut is the provider whose sign-out comes after that of ended: its own. Where
// nobody was signed in any more, the one of the last sign-in may still know the person.
func (s *Providers) ofSignOut(r *http.Request, ended *session.Session) Provider {
	if ended != nil {
		return s.of(ended)
	}
	if p := s.byID[s.cfg.Browsers.LastProvider(r)]; p != nil {
		return p
	}
	return s.only()
}

// signOut ends the session, whatever the provider does or does not offer, and then
// leads there.
func (s *Providers) signOut(w http.ResponseWriter, r *http.Request, to session.ReturnTo) {
	ended, err := s.cfg.Sessions.End(w, r, session.EndedByPerson)
	address, state := "", newLogoutState()
	p := s.ofSignOut(r, ended)
	if p != nil && (ended != nil || err == nil) {
		address = p.SignOut(r.Context(), ended, state)
	}
	if err != nil {
		s.logouts.Count(LogoutIncomplete)
		s.log.ErrorContext(r.Context(), "sign-out: the cookie is cleared, but the store did not confirm that the session ended", "cause", err, requestID(r))
		s.cfg.Pages.Fault(w, r, fault.New(fault.SignOutIncomplete, err))
		return
	}
	clearSiteData(w, s.cfg.SignOutClears)
	if address == "" {
		s.logouts.Count(LogoutLocal)
		s.cfg.Logins.AskForAccount(w)
		s.signedOut(w, r, to, true)
		return
	}
	if to != (session.ReturnTo{}) {
		pending := session.Pending{IdP: p.About().ID, State: state, ReturnTo: to, CreatedAt: s.now()}
		if err := s.cfg.Logins.BeginLogin(w, r, pending); err != nil {
			s.log.WarnContext(r.Context(), "sign-out: the return address is lost", "cause", err, requestID(r))
		}
	}
	s.logouts.Count(LogoutAtIdP)
	Redirect(w, r, address)
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
func (s *Providers) signedOut(w http.ResponseWriter, r *http.Request, to session.ReturnTo, idpSessionRemains bool) {
	if to != (session.ReturnTo{}) && !idpSessionRemains {
		Redirect(w, r, to.String())
		return
	}
	signIn := s.loginPath(to)
	if idpSessionRemains {
		signIn = withParameter(signIn, "prompt", "select_account")
	}
	s.cfg.Pages.SignedOut(w, r, signIn, idpSessionRemains)
}
