package proxy

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/proxy/pages"
	"github.com/sallyport/sallyport/session"
)

// FormPath is where a sign-in leads when a form waits for it, below the prefix.
const FormPath = "/form"

// Forms seals forms that met an ended session; session.Manager is one.
type Forms interface {
	// SealForm seals f for whoever the request's session was of. ok is false when
	// nobody knows who that was.
	SealForm(r *http.Request, f session.Form) (sealed string, ok bool)
	// OpenForm returns a sealed form for s if it is of the same person. The error is
	// session.ErrFormInvalid, ErrFormExpired or ErrFormNotTheirs.
	OpenForm(s *session.Session, sealed string) (session.Form, error)
}

// FormPages renders the stations of a kept form; pages.Renderer is one. Each writes
// a whole answer.
type FormPages interface {
	// KeepForm has the browser's tab keep the sealed form and go on to signInURL.
	KeepForm(w http.ResponseWriter, r *http.Request, sealed, signInURL string)
	// ReturnForm has the tab post what it keeps to action.
	ReturnForm(w http.ResponseWriter, r *http.Request, action string)
	// ResendForm has the browser send the fields to action once more.
	ResendForm(w http.ResponseWriter, r *http.Request, action string, fields []pages.Field)
}

// formKeeper keeps a half-filled form over a sign-in. The browser's tab keeps it,
// sealed, so that it costs no memory here, works with every store, and neither
// another person nor a script of the app's reads it.
type formKeeper struct {
	forms   Forms
	pages   FormPages
	auth    Authenticator
	returns *session.ReturnPolicy
	prefix  string // base path and SALLYPORT_PREFIX
	refuse  func(http.ResponseWriter, *http.Request, error)
}

func (k *formKeeper) routes() []Route {
	return []Route{{Path: FormPath, Name: "form", Methods: []string{http.MethodGet, http.MethodPost}, Handler: http.HandlerFunc(k.serve)}}
}

// keep answers a form that met an ended session by a page that keeps it. It reports
// false if the form is not kept, and then has answered nothing. Nobody who was never
// signed in has us read a body.
func (k *formKeeper) keep(x *exchange) bool {
	if !asksToSignInAgain(x.decision) || !isFormNavigation(x.in) {
		return false
	}
	action, err := k.returns.Parse(x.whole())
	if err != nil {
		return false
	}
	body, err := readForm(x.in)
	if err != nil {
		return false
	}
	sealed, ok := k.forms.SealForm(x.in, session.Form{Action: action, Body: body})
	if !ok {
		return false
	}
	x.site.prepare(x)
	// renew: where there are several providers, at the one of the session that is over.
	signIn := withParameter(signInPath(k.prefix+"/login", x.decision), "renew", "true")
	k.pages.KeepForm(x, x.in, sealed, withParameter(signIn, "rd", k.prefix+FormPath))
	return true
}

// asksToSignInAgain reports whether a refusal is of somebody who was or is signed in,
// and would not be after another sign-in.
func asksToSignInAgain(d Decision) bool {
	switch {
	case d.Final:
		return false
	case d.Fault.Code == fault.StepUpRequired:
		return true
	}
	return d.Fault.Code == fault.SignInRequired && session.NoSession(d.Reason).Ended()
}

// withParameter adds a parameter to an address.
func withParameter(address, name, value string) string {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + name + "=" + url.QueryEscape(value)
}

// serve is GET /form, where the sign-in leads, and POST /form, where the tab hands
// in what it kept.
func (k *formKeeper) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		k.pages.ReturnForm(w, r, k.prefix+FormPath)
		return
	}
	form, err := k.open(w, r)
	if err != nil {
		k.refuse(w, r, err)
		return
	}
	fields, err := parseForm(form.Body)
	if err != nil {
		k.refuse(w, r, fault.New(fault.BadRequest, err)) // an older version kept it
		return
	}
	k.pages.ResendForm(w, r, form.Action.String(), fields)
}

func (k *formKeeper) open(w http.ResponseWriter, r *http.Request) (session.Form, error) {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return session.Form{}, fault.New(fault.CrossSiteRequest, err)
	}
	s, err := k.auth.Peek(r)
	if err != nil {
		return session.Form{}, err
	}
	sealed, err := readSealed(w, r)
	if err != nil {
		return session.Form{}, fault.New(fault.BadRequest, err)
	}
	form, err := k.forms.OpenForm(s, sealed)
	switch {
	case errors.Is(err, session.ErrFormNotTheirs):
		return session.Form{}, fault.New(fault.FormNotTheirs, err)
	case errors.Is(err, session.ErrFormExpired):
		return session.Form{}, fault.New(fault.FormExpired, err)
	case err != nil:
		return session.Form{}, fault.New(fault.BadRequest, err)
	}
	return form, nil
}

// readSealed reads the one field that the page posts.
func readSealed(w http.ResponseWriter, r *http.Request) (string, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return "", errors.New("not a form")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSealedForm))
	if err != nil {
		return "", errors.New("the form is too large or was cut short")
	}
	fields, err := url.ParseQuery(string(body))
	if err != nil || len(fields) != 1 || len(fields["form"]) != 1 {
		return "", errors.New("the body is not the one field that the page posts")
	}
	return fields.Get("form"), nil
}
