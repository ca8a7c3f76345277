package demoidp

import (
	"net/http"

	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// token is the token endpoint (RFC 6749 §3.2).
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	p.tokenCalls.Add(1)
	w.Header().Set("Cache-Control", "no-store")
	switch oidc.GrantType(r.PostFormValue("grant_type")) {
	case oidc.GrantTypeCode:
		p.redeem(w, r)
	case oidc.GrantTypeRefreshToken:
		p.refreshes.Add(1)
		op.RefreshTokenExchange(w, r, p.op)
	default:
		op.RequestError(w, r, oidc.ErrUnsupportedGrantType().WithDescription("authorization_code and refresh_token are supported"), nil)
	}
}

// redeem is pkg/op's CodeExchange with a refresh token for clients that did not
// ask for offline_access.
func (p *Provider) redeem(w http.ResponseWriter, r *http.Request) {
	asked, err := op.ParseAccessTokenRequest(r, p.op.Decoder())
	if err != nil {
		op.RequestError(w, r, err, nil)
		return
	}
	request, client, err := op.ValidateAccessTokenRequest(r.Context(), asked, p.op)
	if err != nil {
		op.RequestError(w, r, err, nil)
		return
	}
	req, ok := request.(*authRequest)
	if !ok || !req.Done() {
		op.RequestError(w, r, oidc.ErrInvalidGrant(), nil)
		return
	}
	answer, err := op.CreateTokenResponse(r.Context(), redeemed{req}, client, p.op, true, asked.Code, "")
	if err != nil {
		op.RequestError(w, r, err, nil)
		return
	}
	answer.Scope = req.asked.Scopes
	httphelper.MarshalJSON(w, answer)
}
