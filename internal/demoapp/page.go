package demoapp

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

//go:embed page/page.html
var pageHTML string

//go:embed page/style.css
var styleCSS string

//go:embed page/script.js
var scriptJS string

// page is the one HTML page, with its policy.
type page struct {
	template *template.Template
	policy   string
}

func newPage() (*page, error) {
	parsed, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("parsing the page: %w", err)
	}
	return &page{
		template: parsed,
		// No form-action: signing out redirects to the identity provider, and
		// browsers hold every hop of a form's redirects against it.
		policy: strings.Join([]string{
			"default-src 'none'",
			"style-src " + hashSource(styleCSS),
			"script-src " + hashSource(scriptJS),
			"connect-src 'self'",
			"img-src data:",
			"base-uri 'none'",
			"frame-ancestors 'none'",
		}, "; "),
	}, nil
}

// hashSource is a CSP hash-source of an inline element's text.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// row is one received header.
type row struct{ Name, Value string }

type view struct {
	Identity
	Style      template.CSS
	Script     template.JS
	Rows       []row
	Claims     string // the assertion, indented
	LogoutPath string
	Links      []Link
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	id := identityOf(r)
	v := view{
		Identity:   id,
		Style:      template.CSS(styleCSS),
		Script:     template.JS(scriptJS),
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
	var out bytes.Buffer
	if err := a.page.template.Execute(&out, v); err != nil {
		http.Error(w, "the page could not be rendered", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", a.page.policy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(out.Bytes()) // the browser may have gone
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
