package pages

import (
	"net/http"

	"github.com/sallyport/sallyport/internal/fault"
)

// view is what the page shows. A field with its zero value is left out.
type view struct {
	Site string

	Title  string
	Detail string // what happened
	Hint   string // what to do next
	Notice string // what must not be overlooked

	Actions  []action
	Form     *form
	Sessions *sessionsView
	Station  *station
	Choice   *choiceView
	SignedIn *signedInView

	RequestID string
	Code      string
}

// action is a link in the shape of a button. URL "" reloads the page.
type action struct {
	Label string
	URL   string
}

// form asks for a confirmation.
type form struct {
	Action string // where it posts to
	RD     string // rd of the request, posted along
	Cancel string // where "Stay signed in" leads
}

// actions are the ways out of a fault, the best one first.
func (p *Renderer) actions(r *http.Request, e *fault.Error) []action {
	switch {
	case e.Code == fault.EmailNotAllowed || e.Code == fault.GroupNotAllowed || e.Code == fault.GroupsWithheld || e.Code == fault.ClaimNotAllowed || e.Code == fault.IdPNotAllowed || e.Code == fault.UserNameUnfit:
		return []action{{Label: "Use another account", URL: p.logout}}
	case e.RetryURL == "" && e.RetryAfter > 0 && isSafe(r.Method):
		return []action{{Label: "Try again"}}
	case e.RetryURL == "":
		return nil
	case e.Code == fault.SignInRequired || e.Code == fault.StepUpRequired:
		return []action{{Label: "Sign in", URL: e.RetryURL}}
	}
	return []action{{Label: "Try again", URL: e.RetryURL}}
}

// isSafe reports whether a link can repeat the request: after a form was posted,
// it would ask for something else.
func isSafe(method string) bool { return method == http.MethodGet || method == http.MethodHead }
