package demoidp

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

//go:embed assets/style.css
var style string

// formPostScript sends the form of a form_post answer (OAuth 2.0 Form Post
// Response Mode §2).
const formPostScript = "document.forms[0].submit()"

// inline is an element with a text of ours as it is, whose hash a policy names.
func inline(element, text string) templ.Component {
	return templ.Raw("<" + element + ">" + text + "</" + element + ">")
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

// show writes a page. It has no external asset, and its Content-Security-Policy
// allows our style sheet and nothing else. formTargets are origins, beside our own,
// that its forms may lead to: browsers apply form-action to redirects too.
func show(w http.ResponseWriter, status int, page templ.Component, formTargets ...string) {
	showScripted(w, status, page, "", formTargets...)
}

// showScripted is show for a page with that inline script.
func showScripted(w http.ResponseWriter, status int, page templ.Component, script string, formTargets ...string) {
	policy := "default-src 'none'; style-src " + hashSource(style) + "; img-src data:; form-action " +
		strings.Join(append([]string{"'self'"}, formTargets...), " ") + "; base-uri 'none'; frame-ancestors 'none'"
	if script != "" {
		policy += "; script-src " + hashSource(script)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = page.Render(context.Background(), w) // the browser may have gone; nobody is left to tell
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

// wish is what the client asks for beyond a sign-in, to be said after its name.
func (c choice) wish() string {
	if c.Elevated {
		return ", which asks for a stronger sign-in"
	}
	return ""
}

// suggested reports whether login_hint means person.
func (c choice) suggested(person Person) bool {
	return c.Hint != "" && (c.Hint == person.Email || c.Hint == person.PreferredUsername || c.Hint == person.ID)
}

func showPicker(w http.ResponseWriter, c choice) {
	show(w, http.StatusOK, picker(c), c.target)
}

func showFailure(w http.ResponseWriter, status int, sentence string) {
	show(w, status, failure(sentence))
}

// showConfirmation asks before a sign-out that came without proof of who asks.
func showConfirmation(w http.ResponseWriter, asked *oidc.EndSessionRequest, action string) {
	show(w, http.StatusOK, confirmation(asked, action), origin(asked.PostLogoutRedirectURI))
}

func showFormPost(w http.ResponseWriter, action string, params url.Values) {
	showScripted(w, http.StatusOK, formPost(action, params), formPostScript, origin(action))
}

// accountView is the data of the account page; the zero value says that nobody
// is signed in.
type accountView struct {
	Person  Person
	SID     string
	Since   string
	Clients []string
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
