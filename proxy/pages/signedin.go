package pages

import (
	"net/http"
	"strings"
)

// SignedIn says whom the page at the end of a sign-in in a popup tells of it.
type SignedIn struct {
	Channel string   // name of the BroadcastChannel of this origin's pages
	Origins []string // other origins whose pages may have opened the popup
}

// signedInView is what the template needs beside.
type signedInView struct{ Channel, Origins, Home string }

// SignedIn has the popup tell the page that opened it, and close itself. Whoever does
// not accept HTML gets application/json with code "signed_in".
func (p *Renderer) SignedIn(w http.ResponseWriter, r *http.Request, s SignedIn) {
	p.answer(w, r, reply{
		status: http.StatusOK,
		guard:  p.formless.withScript(signedInScript),
		page: view{
			Title: "You are signed in", Detail: "You can close this window and go on where you were.",
			SignedIn: &signedInView{Channel: s.Channel, Origins: strings.Join(s.Origins, " "), Home: p.home},
		},
		mediaType: "application/json",
		json:      signedInJSON{Code: "signed_in", RequestID: requestID(w, r)},
	})
}

// signedInJSON is the page for programs.
type signedInJSON struct {
	Code      string `json:"code"`
	RequestID string `json:"request_id,omitempty"`
}
