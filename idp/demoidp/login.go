package demoidp

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// showLogin answers a pending authorization request without a question where it
// can, and shows the account picker where it may.
func (p *Provider) showLogin(w http.ResponseWriter, r *http.Request) {
	req, err := p.store.pending(r.URL.Query().Get("id"))
	if err != nil {
		showFailure(w, http.StatusBadRequest, "This sign-in is finished, or it took longer than ten minutes. Go back to the application and start again.")
		return
	}
	current := p.sessionOf(r)
	switch {
	case p.store.satisfies(current, req):
		p.finish(w, r, req, current)
	case slices.Contains(req.asked.Prompt, oidc.PromptNone):
		p.refuse(w, r, req, oidc.ErrLoginRequired().WithDescription("nobody is signed in, or not recently or strongly enough"))
	default:
		showPicker(w, p.choices(req, current))
	}
}

// satisfies reports whether the session x answers req without asking the person.
// A nil session never does.
func (s *storage) satisfies(x *session, req *authRequest) bool {
	if x == nil || slices.Contains(req.asked.Prompt, oidc.PromptLogin) || slices.Contains(req.asked.Prompt, oidc.PromptSelectAccount) {
		return false
	}
	if req.hintSubject != "" && req.hintSubject != x.personID {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := req.asked.MaxAge; age != nil && s.cfg.Now().Sub(x.authTime) > time.Duration(*age)*time.Second {
		return false
	}
	wanted := req.asked.ACRValues
	return len(wanted) == 0 || slices.Contains(wanted, x.acr)
}

// submitLogin takes the choice made on the picker.
func (p *Provider) submitLogin(w http.ResponseWriter, r *http.Request) {
	req, err := p.store.pending(r.PostFormValue("id"))
	if err != nil {
		showFailure(w, http.StatusBadRequest, "This sign-in is finished, or it took longer than ten minutes. Go back to the application and start again.")
		return
	}
	if r.PostFormValue("cancel") != "" {
		p.refuse(w, r, req, oidc.ErrAccessDenied().WithDescription("the person cancelled the sign-in"))
		return
	}
	person, ok := p.store.person(r.PostFormValue("person"))
	if !ok {
		showFailure(w, http.StatusBadRequest, "There is no such person here.")
		return
	}
	old := p.sessionOf(r)
	x := p.store.signIn(old, person.ID, levelFor(req))
	if old != nil && old != x {
		p.end(r.Context(), func(s *session) bool { return s == old })
	}
	p.setCookie(w, x.cookie, int(p.cfg.SessionTTL.Seconds()))
	p.finish(w, r, req, x)
}

// levelFor returns the first level asked for that exists here.
func levelFor(req *authRequest) string {
	for _, acr := range req.asked.ACRValues {
		if acr == acrBasic || acr == acrElevated {
			return acr
		}
	}
	return acrBasic
}

// finish gives the client its code.
func (p *Provider) finish(w http.ResponseWriter, r *http.Request, req *authRequest, x *session) {
	if err := p.store.complete(req.id, x); err != nil {
		showFailure(w, http.StatusBadRequest, "This sign-in is finished already. Go back to the application.")
		return
	}
	code, err := op.CreateAuthRequestCode(r.Context(), req, p.store, p.op.Crypto())
	if err != nil {
		p.log.ErrorContext(r.Context(), "creating a code failed", "error", err)
		showFailure(w, http.StatusInternalServerError, "No code could be made. The log says why.")
		return
	}
	p.log.InfoContext(r.Context(), "signed in", "person", x.personID, "client", req.asked.ClientID, "sid", x.sid)
	p.answer(w, r, req, url.Values{"code": {code}})
}

// refuse gives the client an error (RFC 6749 §4.1.2.1).
func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, req *authRequest, e *oidc.Error) {
	p.store.drop(req.id)
	p.answer(w, r, req, url.Values{"error": {string(e.ErrorType)}, "error_description": {e.Description}})
}
