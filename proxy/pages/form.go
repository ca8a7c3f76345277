package pages

import (
	"net/http"

	"github.com/sallyport/sallyport/internal/fault"
)

// Field is one field of a form that is sent again.
type Field struct{ Name, Value string }

// station is a page on the way of a kept form, with the script that goes on by
// itself. Where scripts are off, its button does, or a sentence says why not.
type station struct {
	Step step

	Sealed string // keep: what the tab keeps
	Next   string // keep: where it goes on to
	Action string // return and resend: where the form goes
	Fields []Field
	Home   string
}

// step says which station it is, and which script it has.
type step string

const (
	stepKeep   step = "keep"
	stepReturn step = "return"
	stepResend step = "resend"
)

func (s step) script() string {
	switch s {
	case stepKeep:
		return keepScript
	case stepReturn:
		return returnScript
	}
	return resendScript
}

// station writes a page of a kept form: e says what it is to those who do not accept
// HTML, and so never have one.
func (p *Renderer) station(w http.ResponseWriter, r *http.Request, e *fault.Error, s station, v view) {
	if !TakesPage(r.Header) {
		p.Fault(w, r, e)
		return
	}
	v.Station, v.RequestID = &s, requestID(w, r)
	status := http.StatusOK
	if s.Step == stepKeep {
		status = e.Status
		w.Header().Set(fault.Header, string(e.Code))
	}
	p.answer(w, r, reply{status: status, guard: p.guard.withForm().withScript(s.Step.script()), page: v})
}

// KeepForm has the browser's tab keep the sealed form and go on to signInURL. The
// status is 401: nothing was done with the form.
func (p *Renderer) KeepForm(w http.ResponseWriter, r *http.Request, sealed, signInURL string) {
	p.station(w, r, fault.New(fault.SignInRequired, nil), station{Step: stepKeep, Sealed: sealed, Next: signInURL}, view{
		Title:  "Your session has ended",
		Detail: "Sign in again: what you filled in is kept in this tab and sent afterwards.",
	})
}

// ReturnForm has the tab post what it keeps to action, or go to the first page if it
// keeps nothing.
func (p *Renderer) ReturnForm(w http.ResponseWriter, r *http.Request, action string) {
	p.station(w, r, fault.New(fault.NotFound, nil), station{Step: stepReturn, Action: action, Home: p.home}, view{
		Title:  "You are signed in",
		Detail: "One moment: what you filled in before is being sent.",
	})
}

// ResendForm has the browser send the fields to action once more.
func (p *Renderer) ResendForm(w http.ResponseWriter, r *http.Request, action string, fields []Field) {
	p.station(w, r, fault.New(fault.NotFound, nil), station{Step: stepResend, Action: action, Fields: fields}, view{
		Title:  "You are signed in",
		Detail: "One moment: what you filled in before is being sent.",
	})
}
