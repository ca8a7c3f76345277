package demoidp

import (
	"context"
	"net/http"
	"net/url"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// endSession is OpenID Connect RP-Initiated Logout 1.0 §2. With an id_token_hint
// the session that it names ends at once; without one the person is asked.
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	asked, err := op.ParseEndSessionRequest(r, p.op.Decoder())
	if err != nil {
		showFailure(w, http.StatusBadRequest, "The sign-out request cannot be read.")
		return
	}
	request, err := op.ValidateEndSessionRequest(r.Context(), asked, p.op)
	if err != nil {
		p.log.WarnContext(r.Context(), "sign-out refused", "error", err)
		showFailure(w, http.StatusBadRequest, "The application asked for a sign-out that is not valid: "+oidc.DefaultToServerError(err, "").Description+".")
		return
	}
	current := p.sessionOf(r)
	hint := request.IDTokenHintClaims
	if hint == nil && current != nil && !confirmed(r) {
		showConfirmation(w, asked, p.cfg.Issuer+endSessionPath)
		return
	}
	p.end(r.Context(), func(x *session) bool {
		if hint != nil {
			return x.sid == hint.SessionID
		}
		return x == current
	})
	if current != nil && p.sessionOf(r) == nil {
		p.setCookie(w, "", -1)
	}
	p.afterLogout(w, r, request.RedirectURI)
}

// confirmed reports whether the person pressed the button on our own page.
func confirmed(r *http.Request) bool {
	return r.Method == http.MethodPost && r.PostFormValue("confirm") != "" &&
		http.NewCrossOriginProtection().Check(r) == nil
}

// afterLogout goes to the client's registered page, or says that it is done.
func (p *Provider) afterLogout(w http.ResponseWriter, r *http.Request, to string) {
	u, err := url.Parse(to)
	if err != nil || !u.IsAbs() { // pkg/op gives "?state=…" where no page was asked for
		show(w, http.StatusOK, signedOut())
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

// account shows this browser's session at the provider.
func (p *Provider) account(w http.ResponseWriter, r *http.Request) {
	show(w, http.StatusOK, account(p.describeSession(p.sessionOf(r))))
}

// endOwnSession ends it, as a person would at a provider's own pages.
func (p *Provider) endOwnSession(w http.ResponseWriter, r *http.Request) {
	if current := p.sessionOf(r); current != nil {
		p.end(r.Context(), func(x *session) bool { return x == current })
	}
	p.setCookie(w, "", -1)
	http.Redirect(w, r, p.cfg.Issuer+accountPath, http.StatusSeeOther)
}

// end ends the sessions that match picks and tells their clients.
func (p *Provider) end(ctx context.Context, match func(*session) bool) int {
	over := p.store.endWhere(match)
	for _, e := range over {
		p.log.InfoContext(ctx, "session ended", "person", e.personID, "sid", e.sid)
		p.notify(context.WithoutCancel(ctx), e)
	}
	return len(over)
}
