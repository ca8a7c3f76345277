package oidcrp

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// maxAttempts is how many sign-ins in a row may fail to hold before a page says
// so instead of a redirect.
const maxAttempts = 3

// maxLoginHint bounds login_hint, in bytes.
const maxLoginHint = 256

// beginning is what a sign-in begins with.
type beginning struct {
	to        session.ReturnTo
	attempt   int
	kind      stateKind
	prompt    string         // "" = as configured
	acr       []string       // empty = as configured
	maxAge    *time.Duration // nil = as configured
	loginHint string
}

// Begin answers a navigation that needs a sign-in: by a redirect to the provider
// that later leads to where it wanted to go, or by a page that says why there is
// none.
func (c *Client) Begin(w http.ResponseWriter, r *http.Request, s session.SignIn) {
	c.begin(w, r, beginning{to: s.To, attempt: s.Attempt, kind: stateFirst, acr: s.ACR, maxAge: s.MaxAge})
}

func (c *Client) begin(w http.ResponseWriter, r *http.Request, b beginning) {
	retry := c.loginPath(b.to)
	if b.attempt >= maxAttempts {
		c.loginFault(w, r, fault.New(fault.SignInLoop, fmt.Errorf("%d sign-ins in a row did not hold: each session was gone at the next request; if there are several replicas, they need one SALLYPORT_SECRET and SALLYPORT_SESSION_STORE=redis, otherwise look at SALLYPORT_COOKIE_DOMAIN", b.attempt)), retry)
		return
	}
	provider := c.provider.Load()
	if provider == nil {
		c.loginFault(w, r, fault.New(fault.IdPUnavailable, c.Ready()), retry)
		return
	}
	p := session.Pending{
		IdP: c.cfg.ID, State: newState(b.kind), Nonce: randomText(), Verifier: randomText(),
		ReturnTo: b.to, CreatedAt: c.now(), Attempt: b.attempt, ACR: b.acr, MaxAge: b.maxAge,
	}
	if b.prompt == "" && len(c.cfg.Prompt) == 0 && c.cfg.Logins.AsksForAccount(r) {
		b.prompt = "select_account"
	}
	address, err := c.authorizationAddress(r.Context(), provider, p, b)
	if err != nil {
		c.loginFault(w, r, err, retry)
		return
	}
	if err := c.cfg.Logins.BeginLogin(w, r, p); err != nil {
		c.loginFault(w, r, fault.New(fault.Internal, err), retry)
		return
	}
	idp.Redirect(w, r, address)
}

// Login implements idp.Provider: it begins a sign-in that somebody asked for, here or at
// a third party (OpenID Connect Core §4). Only navigations may: an image or a script
// of another site would otherwise fill the browser with sign-ins.
func (c *Client) Login(w http.ResponseWriter, r *http.Request) {
	if c.methodNotAllowed(w, r, "GET, HEAD", http.MethodGet, http.MethodHead) {
		return
	}
	idp.NoStore(w)
	if !c.cfg.IsNavigation(r) {
		c.cfg.Pages.Fault(w, r, fault.New(fault.SignInRequired, nil))
		return
	}
	b, err := c.readLoginRequest(r.URL.RawQuery)
	if err != nil {
		c.loginFault(w, r, fault.New(fault.LoginInvalid, err), c.loginPath(c.cfg.Returns.Home()))
		return
	}
	c.begin(w, r, b)
}

// readLoginRequest reads the query of GET /login. A return address that may not
// be returned to is replaced by the start page; everything else that is wrong is
// an error.
func (c *Client) readLoginRequest(rawQuery string) (beginning, error) {
	q, err := idp.ParseParameters(rawQuery, "rd", "idp", "prompt", "acr", "max_age", "iss", "login_hint", "target_link_uri")
	if err != nil {
		return beginning{}, err
	}
	b := beginning{
		kind: stateFirst, to: c.cfg.Returns.Home(),
		prompt: q.Get("prompt"), acr: strings.Fields(q.Get("acr")), loginHint: q.Get("login_hint"),
	}
	if q.Has("iss") && !c.cfg.admitsIssuer(q.Get("iss")) {
		return beginning{}, fmt.Errorf("the sign-in link names the issuer %q, SALLYPORT_OIDC_ISSUER is %q", loggable(q.Get("iss")), c.cfg.Issuer)
	}
	if q.Has("idp") && q.Get("idp") != c.cfg.ID {
		return beginning{}, fmt.Errorf("the sign-in link names the provider %q, there is only %q", loggable(q.Get("idp")), c.cfg.ID)
	}
	if b.prompt != "" && !slices.Contains([]string{"login", "consent", "select_account"}, b.prompt) {
		return beginning{}, fmt.Errorf("the sign-in link has the prompt %q; login, consent and select_account are accepted", loggable(b.prompt))
	}
	for _, acr := range b.acr {
		if !slices.Contains(c.cfg.ACRValues, acr) && !slices.Contains(c.cfg.StepUpACRs, acr) {
			return beginning{}, fmt.Errorf("the sign-in link has the acr %q, which neither SALLYPORT_OIDC_ACR_VALUES nor a rule lists", loggable(acr))
		}
	}
	if b.maxAge, err = readMaxAge(q.Get("max_age")); err != nil {
		return beginning{}, err
	}
	if len(b.loginHint) > maxLoginHint || strings.ContainsFunc(b.loginHint, invisible) {
		return beginning{}, fmt.Errorf("the sign-in link has a login_hint that is longer than %d bytes or not plain text", maxLoginHint)
	}
	rd := q.Get("rd")
	if !q.Has("rd") {
		rd = q.Get("target_link_uri")
	}
	if to, err := c.cfg.Returns.Parse(rd); err == nil {
		b.to = to
	}
	return b, nil
}

// readMaxAge reads a number of seconds; "" is nil.
func readMaxAge(text string) (*time.Duration, error) {
	if text == "" {
		return nil, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return nil, errors.New("the sign-in link has a max_age that is no number of seconds")
	}
	age := time.Duration(seconds) * time.Second
	return &age, nil
}
