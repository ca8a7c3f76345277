package pages

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// Option is one identity provider that somebody may choose.
type Option struct {
	ID    string `json:"id"`
	Title string `json:"title"` // plain text
	// LoginURL is filled in by ChooseProvider, for those who do not accept HTML.
	LoginURL string `json:"login_url"`
}

// Choice is what the page asks by which provider somebody wants to sign in at. Its
// forms ask Action with the fields of Kept and "idp", or with "login_hint".
type Choice struct {
	Action    string   // a path of ours
	Options   []Option // the one of the last sign-in is the first
	Last      bool     // there is one of the last sign-in
	Kept      url.Values
	LoginHint string // goes along with idp; "" = none

	ByEmail bool   // the page asks for an e-mail address, too
	Email   string // what was entered: nobody knows a provider for its domain
}

// ChooseProvider asks which provider to sign in at, by buttons and, where addresses say
// it, by an e-mail address. The button of the last sign-in has the focus, so that Enter
// repeats it. Whoever does not accept HTML gets application/json with code
// "choose_provider" and where each choice leads.
func (p *Renderer) ChooseProvider(w http.ResponseWriter, r *http.Request, c Choice) {
	v := view{
		Title: "Choose how to sign in", Detail: "Which account do you want to use with " + p.site + "?",
		Choice: &choiceView{Choice: c, Fields: fieldsOf(c.Kept)},
	}
	said := chooseProvider{Code: "choose_provider", Title: v.Title, Detail: v.Detail, RequestID: requestID(w, r)}
	for _, o := range c.Options {
		q := maps.Clone(c.Kept)
		if q == nil {
			q = url.Values{}
		}
		q.Set("idp", o.ID)
		if c.LoginHint != "" {
			q.Set("login_hint", c.LoginHint)
		}
		o.LoginURL = c.Action + "?" + q.Encode()
		said.Providers = append(said.Providers, o)
	}
	p.answer(w, r, reply{
		status: http.StatusOK, guard: p.guard.withForm(), page: v,
		mediaType: "application/json", json: said,
	})
}

// fieldsOf is the hidden fields of a form, in the order of their names.
func fieldsOf(kept url.Values) []Field {
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		for _, value := range kept[name] {
			fields = append(fields, Field{Name: name, Value: value})
		}
	}
	return fields
}

// choiceView is what the template needs beside the facts.
type choiceView struct {
	Choice
	Fields []Field
}

// FocusEmail reports whether the field of the e-mail address has the focus: what was
// entered there has to be entered again.
func (v *choiceView) FocusEmail() bool { return v.Email != "" }

// IsLast reports whether the option of that index is the one of the last sign-in.
func (v *choiceView) IsLast(index int) bool { return v.Last && index == 0 }

// chooseProvider is the page for programs.
type chooseProvider struct {
	Code      string   `json:"code"`
	Title     string   `json:"title"`
	Detail    string   `json:"detail"`
	Providers []Option `json:"providers"`
	RequestID string   `json:"request_id,omitempty"`
}
