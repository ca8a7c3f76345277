package demoapp

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"
)

//go:embed assets/style.css
var style string

//go:embed assets/script.js
var script string

// policy is the page's Content-Security-Policy. No form-action: signing out redirects
// to the identity provider, and browsers hold every hop of a form's redirects against
// it.
func policy() string {
	return strings.Join([]string{
		"default-src 'none'",
		"style-src " + hashSource(style),
		"script-src " + hashSource(script),
		"connect-src 'self'",
		"img-src data:",
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

// hashSource is a CSP hash-source of an inline element's text.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// inline is an element with a text of ours as it is.
func inline(element, text string) templ.Component {
	return templ.Raw("<" + element + ">" + text + "</" + element + ">")
}

// row is one received header.
type row struct{ Name, Value string }

type view struct {
	Identity
	Rows       []row
	Claims     string // the assertion, indented
	LogoutPath string
	Links      []Link
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	id := identityOf(r)
	v := view{
		Identity:   id,
		Rows:       rows(id.Headers),
		LogoutPath: a.cfg.LogoutPath,
		Links:      a.cfg.Links,
	}
	if id.Assertion != nil {
		var pretty bytes.Buffer
		if json.Indent(&pretty, id.Assertion, "", "  ") == nil {
			v.Claims = pretty.String()
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy())
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_ = page(v).Render(context.Background(), w) // the browser may have gone
}

// after is what follows the i-th word of an enumeration.
func after(i int, words []string) string {
	if i == len(words)-1 {
		return "."
	}
	return ", "
}

// rows lists headers by name, those about the person first.
func rows(headers map[string][]string) []row {
	var list []row
	for name, values := range headers {
		for _, value := range values {
			list = append(list, row{name, value})
		}
	}
	slices.SortFunc(list, func(a, b row) int {
		if byKind := rank(a.Name) - rank(b.Name); byKind != 0 {
			return byKind
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}

func rank(name string) int {
	switch name {
	case "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-Groups":
		return 0
	case "X-Sallyport-Assertion", "Authorization":
		return 2
	}
	return 1
}
