package idp

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// maxLoginHint bounds login_hint, in bytes.
const maxLoginHint = 256

// loginParameters are those of GET /login that go along to whichever provider is
// chosen.
var loginParameters = [...]string{"rd", "target_link_uri", "prompt", "acr", "max_age"}

// Begin implements proxy.Login. Where one provider alone is of use, the sign-in is
// there. Somebody whose session is over or not enough goes to the provider of that
// session, and everybody else to the page that asks, unless there is only one.
func (s *Providers) Begin(w http.ResponseWriter, r *http.Request, begin session.SignIn) {
	if len(s.all) == 1 {
		s.all[0].Begin(w, r, begin)
		return
	}
	p := s.byID[begin.IdP]
	if p == nil {
		p = s.ofBrowser(r)
	}
	if p == nil {
		p = s.only()
	}
	if p != nil {
		p.Begin(w, r, begin)
		return
	}
	Redirect(w, r, s.chooserURL(begin))
}

// chooserURL is GET /login with what a sign-in begins with.
func (s *Providers) chooserURL(begin session.SignIn) string {
	address := s.cfg.LoginURL
	if begin.To != (session.ReturnTo{}) && begin.To != s.cfg.Returns.Home() {
		address = withParameter(address, "rd", begin.To.String())
	}
	if len(begin.ACR) > 0 {
		address = withParameter(address, "acr", strings.Join(begin.ACR, " "))
	}
	if begin.MaxAge != nil {
		address = withParameter(address, "max_age", strconv.FormatInt(int64(*begin.MaxAge/time.Second), 10))
	}
	return address
}

// loginPath is the path that begins a sign-in leading to to.
func (s *Providers) loginPath(to session.ReturnTo) string {
	path := s.cfg.Prefix + "/login"
	if to == s.cfg.Returns.Home() || to == (session.ReturnTo{}) {
		return path
	}
	return withParameter(path, "rd", to.String())
}

// withParameter adds a parameter to an address.
func withParameter(address, name, value string) string {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + name + "=" + url.QueryEscape(value)
}

// ofBrowser is the provider of the session that this browser has or had last; nil
// when it has signed out since, when it never signed in, and when the provider is not
// configured any more.
func (s *Providers) ofBrowser(r *http.Request) Provider {
	now, err := s.cfg.Sessions.Peek(r)
	if err == nil {
		return s.of(now)
	}
	if none, ok := errors.AsType[*session.NoSessionError](err); ok && none.Why.Ended() {
		return s.byID[s.cfg.Browsers.LastProvider(r)]
	}
	return nil
}

// login is GET /login: it begins a sign-in that somebody asked for, here or at a third
// party (OpenID Connect Core §4), at the provider that the request names, or asks which.
// Only navigations may: an image or a script of another site would otherwise fill the
// browser with sign-ins.
func (s *Providers) login(w http.ResponseWriter, r *http.Request) {
	if len(s.all) == 1 {
		s.all[0].Login(w, r)
		return
	}
	NoStore(w)
	if !s.cfg.IsNavigation(r) {
		s.cfg.Pages.Fault(w, r, fault.New(fault.SignInRequired, nil))
		return
	}
	q, err := readLoginRequest(r.URL.RawQuery)
	var p Provider
	if err == nil {
		p, err = s.named(r, q)
	}
	if p == nil {
		p = s.only()
	}
	switch {
	case err != nil:
		s.loginFault(w, r, err)
	case p != nil:
		p.Login(w, r)
	default:
		s.cfg.Pages.ChooseProvider(w, r, s.choice(r, q))
	}
}

func readLoginRequest(rawQuery string) (url.Values, error) {
	q, err := ParseParameters(rawQuery, append(loginParameters[:], "idp", "iss", "login_hint", "renew")...)
	if err != nil {
		return nil, err
	}
	if hint := q.Get("login_hint"); len(hint) > maxLoginHint || strings.ContainsFunc(hint, isControl) {
		return nil, fmt.Errorf("the sign-in link has a login_hint that is longer than %d bytes or not plain text", maxLoginHint)
	}
	return q, nil
}

// named is the provider that a request for a sign-in decides for; nil = none.
func (s *Providers) named(r *http.Request, q url.Values) (Provider, error) {
	switch {
	case q.Has("idp"):
		if p := s.byID[q.Get("idp")]; p != nil {
			return p, nil
		}
		return nil, fmt.Errorf("the sign-in link names the provider %.40q; there are %s", q.Get("idp"), s.ids())
	case q.Has("iss"):
		return s.namedByIssuer(q.Get("iss"))
	case q.Has("acr"), q.Has("max_age"), q.Has("renew"):
		// Asked of somebody about a session; without one, as of anybody.
		if p := s.ofBrowser(r); p != nil {
			return p, nil
		}
	}
	if theirs := s.ofEmail(q.Get("login_hint")); len(theirs) == 1 {
		return theirs[0], nil
	}
	return nil, nil
}

// namedByIssuer is the provider of an issuer. Two may share one, as two clients of it:
// then nothing is decided by it, unless one of them is a draft.
func (s *Providers) namedByIssuer(iss string) (Provider, error) {
	found := s.ofIssuer(iss)
	if len(found) > 1 {
		found = slices.DeleteFunc(found, func(p Provider) bool { return p.About().Draft })
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("the sign-in link names the issuer %.200q, which is that of no provider; there are %s", iss, s.ids())
	case 1:
		return found[0], nil
	}
	return nil, nil
}

func (s *Providers) ofIssuer(iss string) (found []Provider) {
	for _, p := range s.all {
		if p.AdmitsIssuer(iss) {
			found = append(found, p)
		}
	}
	return found
}

// ids lists the providers for the log.
func (s *Providers) ids() string {
	ids := make([]string, len(s.all))
	for i, p := range s.all {
		ids[i] = p.About().ID
	}
	return strings.Join(ids, ", ")
}

// loginFault refuses a sign-in link before any provider is involved.
func (s *Providers) loginFault(w http.ResponseWriter, r *http.Request, cause error) {
	f := fault.New(fault.LoginInvalid, cause)
	s.log.LogAttrs(r.Context(), slog.LevelInfo, "sign-in failed",
		slog.String("code", string(f.Code)), slog.Any("cause", cause), requestID(r))
	f.RetryURL = s.cfg.Prefix + "/login"
	s.cfg.Pages.Fault(w, r, f)
}
