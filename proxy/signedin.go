package proxy

import (
	"net/http"

	"github.com/sallyport/sallyport/proxy/pages"
)

// SignedInPath is where a sign-in in a popup ends, below the prefix.
const SignedInPath = "/signed-in"

// signedIn is GET /signed-in: a page that tells the one that opened it that somebody
// has signed in, and closes itself. It says neither who nor anything else of the
// session; whoever hears it asks.
type signedIn struct {
	auth  Authenticator
	pages Pages
	page  pages.SignedIn
	// refuse leads a navigation without a session to the sign-in, and back.
	refuse func(http.ResponseWriter, *http.Request, error)
}

func (s *Site) signedIn(cfg *Config) Route {
	e := &signedIn{
		auth: cfg.Auth, pages: cfg.Pages, refuse: s.refusePage,
		page: pages.SignedIn{Channel: sessionChannel(basePath(cfg.PublicURL) + cfg.Prefix), Origins: cfg.CORS.Origins},
	}
	return Route{Path: SignedInPath, Name: "signed_in", Methods: []string{http.MethodGet}, Handler: http.HandlerFunc(e.serve)}
}

// sessionChannel is the name of the BroadcastChannel of session.js.
func sessionChannel(prefix string) string { return "sallyport " + prefix + "/session" }

func (e *signedIn) serve(w http.ResponseWriter, r *http.Request) {
	if _, err := e.auth.Peek(r); err != nil {
		e.refuse(w, r, err)
		return
	}
	e.pages.SignedIn(w, r, e.page)
}
