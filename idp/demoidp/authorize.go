package demoidp

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// authorize lets pkg/op check an authorization request. Its error redirects lack
// the issuer, which RFC 9207 §2 wants in every answer.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	op.Authorize(&issuerInRedirects{ResponseWriter: w, issuer: p.cfg.Issuer, login: p.cfg.Issuer + loginPath}, r, p.op)
}

// issuerInRedirects adds iss to a redirect that leaves for the client.
type issuerInRedirects struct {
	http.ResponseWriter
	issuer, login string
}

func (w *issuerInRedirects) WriteHeader(status int) {
	location := w.Header().Get("Location")
	if location != "" && !strings.HasPrefix(location, w.login) {
		if u, err := url.Parse(location); err == nil {
			w.Header().Set("Location", withParams(u, url.Values{"iss": {w.issuer}}))
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// answer sends params to the client's redirect URI, by query or form_post, with
// the state and the issuer.
func (p *Provider) answer(w http.ResponseWriter, r *http.Request, req *authRequest, params url.Values) {
	params.Set("iss", p.cfg.Issuer)
	if req.asked.State != "" {
		params.Set("state", req.asked.State)
	}
	w.Header().Set("Cache-Control", "no-store")
	if req.asked.ResponseMode == oidc.ResponseModeFormPost {
		showFormPost(w, req.asked.RedirectURI, params)
		return
	}
	u, err := url.Parse(req.asked.RedirectURI)
	if err != nil {
		showFailure(w, http.StatusBadRequest, "The client's redirect URI is not a URL.")
		return
	}
	w.Header().Set("Location", withParams(u, params))
	w.WriteHeader(http.StatusFound)
}

// withParams keeps the query that u has (RFC 6749 §3.1.2).
func withParams(u *url.URL, params url.Values) string {
	query := u.Query()
	for name, values := range params {
		query[name] = values
	}
	out := *u
	out.RawQuery = query.Encode()
	return out.String()
}
