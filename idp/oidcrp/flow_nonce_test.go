package oidcrp

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// A sign-in that has no nonce to compare with is refused, not excused: an ID token
// without one would fit it, whoever it was made for.
func TestSignInWithoutNonce(t *testing.T) {
	for name, claim := range map[string]any{"OF-09 none either": nil, "OF-09 an empty one": "", "OF-09 some": "n", "OF-09 a number": 0} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			w := newWorld(t, h, nil)
			h.set(func() {
				h.claims = func(c map[string]any) {
					if claim == nil {
						delete(c, "nonce")
					} else {
						c["nonce"] = claim
					}
				}
			})
			p := session.Pending{IdP: "generic", State: newState(stateFirst), Verifier: "v"}
			rec := httptest.NewRecorder()
			must(t, w.sessions.BeginLogin(rec, httptest.NewRequest(http.MethodGet, "/", nil), p))
			w.jar.SetCookies(mustURL(t, w.site.URL), rec.Result().Cookies())
			w.wantFault(w.get("/oauth2/callback?code=c&state="+p.State), fault.IDTokenInvalid)
		})
	}
}
