package idp

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/session"
)

// logoutCallback is GET /logout/callback, where the provider sends the browser
// after its sign-out. A state that this browser was given leads to the rd of the
// sign-out; without one there is the signed-out page. It signs nobody out, so it
// says so only to those who are.
func (s *Providers) logoutCallback(w http.ResponseWriter, r *http.Request) {
	if !s.hasMethod(w, r, http.MethodGet) {
		return
	}
	NoStore(w)
	to, err := s.logoutReturn(w, r)
	if err != nil {
		s.log.DebugContext(r.Context(), "a sign-out came back without its state", "cause", err, requestID(r))
	}
	if _, err := s.cfg.Sessions.Peek(r); err == nil {
		if to == (session.ReturnTo{}) {
			to = s.cfg.Returns.Home()
		}
		Redirect(w, r, to.String())
		return
	}
	if slices.Contains(s.cfg.SignOutClears, clearedCache) {
		// Once more: the page from which the person signed out was still open when
		// /logout answered, and the browser has put it away since.
		clearSiteData(w, []string{clearedCache})
	}
	s.signedOut(w, r, to, false)
}

// logoutStateMark tells the state of a sign-out from those of sign-ins, which share
// the browser's memory of what is under way.
const logoutStateMark = "L"

// newLogoutState returns a state of unpredictable base64url.
func newLogoutState() string {
	var b [32]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return logoutStateMark + base64.RawURLEncoding.EncodeToString(b[:])
}

func (s *Providers) logoutReturn(w http.ResponseWriter, r *http.Request) (session.ReturnTo, error) {
	q, err := ParseParameters(r.URL.RawQuery, "state")
	if err != nil {
		return session.ReturnTo{}, err
	}
	state := q.Get("state")
	if len(state) != len(newLogoutState()) || !strings.HasPrefix(state, logoutStateMark) {
		return session.ReturnTo{}, errors.New("no state of a sign-out")
	}
	p, err := s.cfg.Logins.Pending(r, state)
	if err != nil {
		return session.ReturnTo{}, err
	}
	if s.byID[p.IdP] == nil {
		return session.ReturnTo{}, fmt.Errorf("the sign-out went to the provider %.40q, which is none of ours", p.IdP)
	}
	s.cfg.Logins.ClearPending(w, r, state)
	return p.ReturnTo, nil
}
