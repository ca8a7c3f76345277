package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/internal/fault"
)

// Config makes a Renderer.
type Config struct {
	// PublicURL is the site: its host is the name that pages show, and its path
	// is where "Stay signed in" leads. Required.
	PublicURL *url.URL
	// LogoutPath is the path of the sign-out endpoint, base path included, that
	// a page for somebody without access offers. Required, e.g. "/oauth2/logout".
	LogoutPath string
}

// Renderer writes whole answers. It is safe for concurrent use.
type Renderer struct {
	site   string
	home   string
	logout string
	guard  guard
	// formless is the guard of pages without a form.
	formless guard
}

// New makes a Renderer.
func New(c Config) (*Renderer, error) {
	if c.PublicURL == nil || c.PublicURL.Host == "" {
		return nil, errors.New("pages need the public URL; set SALLYPORT_PUBLIC_URL")
	}
	if !strings.HasPrefix(c.LogoutPath, "/") {
		return nil, fmt.Errorf("pages need the path of the sign-out endpoint, not %q", c.LogoutPath)
	}
	g := newGuard(style)
	return &Renderer{
		site:   c.PublicURL.Host,
		home:   strings.TrimSuffix(c.PublicURL.EscapedPath(), "/") + "/",
		logout: c.LogoutPath,
		guard:  g, formless: g.withoutForm(),
	}, nil
}

// Fault tells of e: a page with the next step, or problem+json. It sets
// Sallyport-Error and, when e asks for it, Retry-After.
func (p *Renderer) Fault(w http.ResponseWriter, r *http.Request, e *fault.Error) {
	h := w.Header()
	f := newFields(h)
	f.set(fault.Header, string(e.Code))
	if e.RetryAfter > 0 {
		f.set("Retry-After", wholeSeconds(e.RetryAfter))
	}
	// RFC 9110 §15.5.2 wants a challenge with every 401. No browser knows this
	// scheme, so none opens a password window.
	if e.Status == http.StatusUnauthorized && len(h["Www-Authenticate"]) == 0 {
		f.set("Www-Authenticate", fmt.Sprintf("Sallyport realm=%q", p.site))
	}
	id := requestID(w, r)
	if !TakesPage(r.Header) {
		write(w, r, e.Status, p.formless, problemType, appendProblem(make([]byte, 0, 512), e, id))
		return
	}
	content := p.render(view{Title: e.Title, Detail: e.Detail, Hint: e.Hint, Code: string(e.Code), RequestID: id, Actions: p.actions(r, e)})
	write(w, r, e.Status, p.formless, htmlType, content)
}

// SignedOut is the page after a sign-out. signInURL is a path of ours that begins
// a new sign-in; nothing follows it by itself. idpSessionRemains says that the
// provider offers no sign-out, so that its own session goes on and the page says
// so. Whoever does not accept HTML gets application/json with code "signed_out".
func (p *Renderer) SignedOut(w http.ResponseWriter, r *http.Request, signInURL string, idpSessionRemains bool) {
	v := view{
		Title:     "You are signed out",
		Detail:    "Your session with " + p.site + " has ended.",
		Actions:   []action{{Label: "Sign in again", URL: signInURL}},
		RequestID: requestID(w, r),
	}
	if idpSessionRemains {
		v.Notice = "You are still signed in at the identity provider, because it offers no sign-out from here. " +
			"On a shared computer, sign out there too, or close all browser windows."
	}
	p.answer(w, r, reply{
		status:    http.StatusOK,
		guard:     p.formless,
		page:      v,
		mediaType: "application/json",
		json: signedOut{
			Code: "signed_out", Title: v.Title, Detail: v.Detail, Hint: v.Notice,
			LoginURL: signInURL, IdPSessionRemains: idpSessionRemains, RequestID: v.RequestID,
		},
	})
}

// ConfirmSignOut asks before a sign-out that another site may have caused; its
// form posts rd to action. Who is no person with a browser cannot be asked and gets
// the fault cross_site_request.
func (p *Renderer) ConfirmSignOut(w http.ResponseWriter, r *http.Request, action, rd string) {
	if !TakesPage(r.Header) {
		p.Fault(w, r, fault.New(fault.CrossSiteRequest, nil))
		return
	}
	p.answer(w, r, reply{
		status: http.StatusOK,
		guard:  p.guard.withForm(),
		page: view{
			Title:  "Sign out?",
			Detail: "A page of another site asked to sign you out of " + p.site + ". Sign out only if that is what you want.",
			Form:   &form{Action: action, RD: rd, Cancel: p.home},
		},
	})
}

func (p *Renderer) render(v view) []byte {
	v.Site = p.site
	var b bytes.Buffer
	// Fails with its context or its writer alone, and these cannot.
	_ = page(v).Render(context.Background(), &b)
	return b.Bytes()
}
