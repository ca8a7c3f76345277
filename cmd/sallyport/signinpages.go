package main

import (
	"net/http"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/proxy/pages"
)

// signInPages hands what providers show to the pages, which must not know them.
type signInPages struct{ *pages.Renderer }

// ChooseProvider implements idp.SitePages.
func (p signInPages) ChooseProvider(w http.ResponseWriter, r *http.Request, c idp.Choice) {
	shown := pages.Choice{
		Action: c.Action, Last: c.Last, Kept: c.Kept, LoginHint: c.LoginHint, ByEmail: c.ByEmail, Email: c.Email,
	}
	for _, o := range c.Options {
		shown.Options = append(shown.Options, pages.Option{ID: o.ID, Title: o.Title})
	}
	p.Renderer.ChooseProvider(w, r, shown)
}
