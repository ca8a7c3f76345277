package demoidp

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

//go:embed pages
var pageFiles embed.FS

// formPostScript sends the form of a form_post answer (OAuth 2.0 Form Post
// Response Mode §2).
const formPostScript = "document.forms[0].submit()"

// pages renders what people see. It has no external asset, and its
// Content-Security-Policy allows its own style sheet and nothing else.
type pages struct {
	templates *template.Template
	style     template.CSS
	styleHash string
}

func newPages() (*pages, error) {
	style, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		return nil, fmt.Errorf("reading the style sheet: %w", err)
	}
	templates, err := template.New("").Funcs(template.FuncMap{"initials": initials}).ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("parsing the pages: %w", err)
	}
	return &pages{templates: templates, style: template.CSS(style), styleHash: hashSource(string(style))}, nil
}

// hashSource is a CSP hash-source of an inline element's text.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// initials are the first letters of the first and last word of a name.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return "?"
	}
	first := []rune(words[0])[:1]
	if len(words) > 1 {
		first = append(first, []rune(words[len(words)-1])[0])
	}
	return strings.ToUpper(string(first))
}

// view is what every page gets beside its own data.
type view struct {
	Title  string
	Style  template.CSS
	Script template.JS
	Data   any
}

// show writes the named page. formTargets are origins, beside our own, that its
// forms may lead to: browsers apply form-action to redirects too.
func (p *pages) show(w http.ResponseWriter, status int, name, title string, data any, formTargets ...string) {
	var out bytes.Buffer
	v := view{Title: title, Style: p.style, Data: data}
	script := ""
	if name == "formpost.html" {
		v.Script = formPostScript
		script = "; script-src " + hashSource(formPostScript)
	}
	if err := p.templates.ExecuteTemplate(&out, name, v); err != nil {
		http.Error(w, "the page could not be rendered", http.StatusInternalServerError)
		return
	}
	actions := strings.Join(append([]string{"'self'"}, formTargets...), " ")
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+p.styleHash+"; img-src data:; form-action "+actions+
		"; base-uri 'none'; frame-ancestors 'none'"+script)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the browser may have gone; nobody is left to tell
}

// choice is the data of the picker.
type choice struct {
	ID       string // of the authorization request
	Client   string
	Elevated bool   // the client asks for the stronger level
	Again    string // name of the person signed in already, when asked once more
	Hint     string // login_hint
	People   []Person
	target   string // origin of the redirect URI
}

// choices collects what the picker shows for req. current may be nil.
func (p *Provider) choices(req *authRequest, current *session) choice {
	c := choice{
		ID:       req.id,
		Client:   req.asked.ClientID,
		Elevated: levelFor(req) == acrElevated,
		Hint:     req.asked.LoginHint,
		People:   p.store.listPeople(p.cfg.People),
		target:   origin(req.asked.RedirectURI),
	}
	if current != nil {
		if person, ok := p.store.person(current.personID); ok {
			c.Again = person.Name
		}
	}
	return c
}

// Suggested reports whether login_hint means person.
func (c choice) Suggested(person Person) bool {
	return c.Hint != "" && (c.Hint == person.Email || c.Hint == person.PreferredUsername || c.Hint == person.ID)
}

func (p *pages) pick(w http.ResponseWriter, c choice) {
	p.show(w, http.StatusOK, "pick.html", "Choose an account", c, c.target)
}

func (p *pages) fail(w http.ResponseWriter, status int, sentence string) {
	p.show(w, status, "fail.html", "That did not work", sentence)
}

func (p *pages) signedOut(w http.ResponseWriter) {
	p.show(w, http.StatusOK, "signedout.html", "Signed out", nil)
}

// confirm asks before a sign-out that came without proof of who asks.
func (p *pages) confirm(w http.ResponseWriter, asked *oidc.EndSessionRequest, action string) {
	p.show(w, http.StatusOK, "confirm.html", "Sign out?", map[string]string{
		"Action": action, "ClientID": asked.ClientID, "To": asked.PostLogoutRedirectURI, "State": asked.State,
	}, origin(asked.PostLogoutRedirectURI))
}

func (p *pages) formPost(w http.ResponseWriter, action string, params url.Values) {
	p.show(w, http.StatusOK, "formpost.html", "One moment", map[string]any{"Action": action, "Params": params}, origin(action))
}

// accountView is the data of the account page; the zero value says that nobody
// is signed in.
type accountView struct {
	Person  Person
	SID     string
	Since   string
	Clients []string
}

func (p *pages) account(w http.ResponseWriter, v accountView) {
	p.show(w, http.StatusOK, "account.html", "Your session", v)
}

// describeSession returns what the account page shows of x, which may be nil.
func (p *Provider) describeSession(x *session) accountView {
	if x == nil {
		return accountView{}
	}
	person, _ := p.store.person(x.personID)
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	v := accountView{Person: person, SID: x.sid, Since: x.authTime.UTC().Format("15:04:05 UTC")}
	for id := range x.clients {
		v.Clients = append(v.Clients, id)
	}
	slices.Sort(v.Clients)
	return v
}

// person returns a copy of a person.
func (s *storage) person(id string) (Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	person, ok := s.people[id]
	return person.clone(), ok
}

// listPeople returns the people as they are now, in the order of configured.
func (s *storage) listPeople(configured []Person) []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Person, 0, len(configured))
	for _, p := range configured {
		list = append(list, s.people[p.ID].clone())
	}
	return list
}

// origin returns scheme and host of an address, or "" when it has none.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
