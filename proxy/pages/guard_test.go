package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/reqid"
)

func TestHeaderFieldsOfEveryAnswer(t *testing.T) {
	for name, page := range everyPage(newRenderer(t)) {
		for _, accept := range []string{browserAccept, "application/json", ""} {
			h := show(http.MethodGet, accept, page).Header
			for field, want := range map[string]string{
				"X-Frame-Options":              "DENY", // OP-18
				"X-Content-Type-Options":       "nosniff",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Cache-Control":                "no-store",
				"Vary":                         "Accept",
				"Content-Encoding":             "", // HT-28
			} {
				if got := h.Get(field); got != want {
					t.Errorf("%s, Accept %q: %s %q, want %q", name, accept, field, got, want)
				}
			}
			csp := strings.Split(h.Get("Content-Security-Policy"), "; ")
			for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
				if !slices.Contains(csp, want) {
					t.Errorf("OP-18 %s, Accept %q: policy %q lacks %q", name, accept, csp, want)
				}
			}
			if unsafe := regexp.MustCompile(`unsafe|script-src|\*`); unsafe.MatchString(h.Get("Content-Security-Policy")) {
				t.Errorf("%s: policy %q", name, csp)
			}
			if code, isFault := strings.CutPrefix(name, "fault-"); isFault && h.Get("Sallyport-Error") != code {
				t.Errorf("%s: Sallyport-Error %q", name, h.Get("Sallyport-Error"))
			}
		}
	}
}

// Chromium holds form-action against the redirect that answers a form, and a
// browser that may send no referrer posts "Origin: null": with either, the form
// of the confirmation would end in an error page and not at the provider.
func TestConfirmationCanBePosted(t *testing.T) {
	pages := everyPage(newRenderer(t))
	for name, want := range map[string]struct {
		formAction bool
		referrer   string
	}{
		"confirm-sign-out": {false, "same-origin"},
		"sessions":         {false, "same-origin"},
		"choose":           {false, "same-origin"},
		"signed-out":       {true, "no-referrer"},
		"fault-not_found":  {true, "no-referrer"},
	} {
		h := show(http.MethodGet, browserAccept, pages[name]).Header
		if got := strings.Contains(h.Get("Content-Security-Policy"), "form-action 'none'"); got != want.formAction {
			t.Errorf("%s: form-action 'none' is %v, want %v", name, got, want.formAction)
		}
		if got := h.Get("Referrer-Policy"); got != want.referrer {
			t.Errorf("%s: Referrer-Policy %q, want %q", name, got, want.referrer)
		}
	}
}

func TestPolicyAllowsTheStyleThatIsServed(t *testing.T) {
	for name, page := range everyPage(newRenderer(t)) {
		res := show(http.MethodGet, browserAccept, page)
		style := textOf(elements(t, read(t, res), "style"))
		sum := sha256.Sum256([]byte(style))
		want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if csp := res.Header.Get("Content-Security-Policy"); style == "" || !strings.Contains(csp, want) {
			t.Errorf("%s: policy %q does not allow the style of %d bytes", name, csp, len(style))
		}
	}
}

// Inputs that break out of text, attributes, URLs and scripts.
var hostile = []string{
	`<script>alert(1)</script>`,
	`"><script>alert(1)</script>`,
	`' onmouseover='alert(1)`,
	`" autofocus onfocus="alert(1)`,
	`javascript:alert(1)`,
	` java script:alert(1)`,
	`data:text/html,<script>alert(1)</script>`,
	`</style><script>alert(1)</script>`,
	`</title><img src=x onerror=alert(1)>`,
	`{{.Style}}`,
	"\x00<svg/onload=alert(1)>",
	"\xff\xfe<script>",
	`<!--`,
	`&lt;script&gt;&#34;&#x22;`,
}

func TestOF16HostileInput(t *testing.T) {
	p := newRenderer(t)
	for _, in := range hostile {
		e := fault.New(fault.IdPDenied, nil)
		e.Title, e.Detail, e.Hint, e.RetryURL = in, in, in, in
		for name, page := range map[string]func(http.ResponseWriter, *http.Request){
			"fault": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(reqid.Header, in)
				p.Fault(w, r, e)
			},
			"signed out": func(w http.ResponseWriter, r *http.Request) { p.SignedOut(w, r, in, true) },
			"sessions": func(w http.ResponseWriter, r *http.Request) {
				p.Sessions(w, r, OwnSessions{
					LogoutURL: "/oauth2/logout", RevokeURL: "/oauth2/sessions/revoke", Who: in,
					Sessions: []OwnSession{{ID: in, Device: in, Address: in}, {ID: in, Device: in, Address: in, Current: true}},
				})
			},
			"confirm": func(w http.ResponseWriter, r *http.Request) { p.ConfirmSignOut(w, r, in, in) },
			"choose": func(w http.ResponseWriter, r *http.Request) {
				p.ChooseProvider(w, r, Choice{
					Action: "/oauth2/login", Options: []Option{{ID: in, Title: in}, {ID: in, Title: in}}, Last: true,
					Kept: url.Values{"rd": {in}, in: {in}}, LoginHint: in, ByEmail: true, Email: in,
				})
			},
		} {
			t.Run(name+" "+in, func(t *testing.T) {
				body := read(t, show(http.MethodGet, browserAccept, page))
				checkInert(t, body)
				if form := elements(t, body, "input"); name == "confirm" {
					if got := attribute(form[0], "value"); got != strings.ReplaceAll(in, "\x00", "\ufffd") {
						t.Errorf("rd %q came back as %q", in, got)
					}
				}
				json := read(t, show(http.MethodGet, "*/*", page))
				if strings.ContainsAny(json, "<>&") {
					t.Errorf("JSON with markup: %s", json)
				}
			})
		}
	}
}

func TestEveryPageIsInertAndComplete(t *testing.T) {
	for name, page := range everyPage(newRenderer(t)) {
		t.Run(name, func(t *testing.T) {
			body := read(t, show(http.MethodGet, browserAccept, page))
			checkInert(t, body)
			told := strings.HasPrefix(name, "fault-") || strings.HasPrefix(name, "signed-out")
			if told && !strings.Contains(body, "<dd>4QXN7SGZ3MHVJX5LQ2C6TB7RAA</dd>") {
				t.Errorf("the request id is not shown")
			}
			if lang := attribute(elements(t, body, "html")[0], "lang"); lang != "en" {
				t.Errorf("lang %q", lang)
			}
			if n := len(elements(t, body, "h1")); n != 1 {
				t.Errorf("%d headings", n)
			}
			if title := textOf(elements(t, body, "title")); !strings.HasSuffix(title, " · app.example.com") {
				t.Errorf("title %q", title)
			}
		})
	}
}

// checkInert parses a page and fails on anything that runs, loads or leads
// somewhere else.
func checkInert(t *testing.T, body string) {
	t.Helper()
	allowed := strings.Fields("html head meta title style body header svg path span main h1 h2 p a ul li div time form input label button dl dt dd")
	for _, n := range elements(t, body, "") {
		if !slices.Contains(allowed, n.Data) {
			t.Errorf("element <%s>", n.Data)
		}
		for _, a := range n.Attr {
			switch value := strings.ToLower(a.Val); {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "srcset", a.Key == "http-equiv":
				t.Errorf("attribute %s=%q of <%s>", a.Key, a.Val, n.Data)
			case a.Key == "href" || a.Key == "action":
				if strings.Contains(value, "script:") || strings.HasPrefix(value, "data:") || strings.HasPrefix(value, "http") {
					t.Errorf("%s=%q of <%s>", a.Key, a.Val, n.Data)
				}
			}
		}
	}
	if strings.Contains(textOf(elements(t, body, "style")), "url(") {
		t.Error("the style loads something")
	}
}

// elements returns the elements of that name, or all of them for "".
func elements(t *testing.T, body, name string) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			found = append(found, n)
		}
	}
	return found
}

func textOf(nodes []*html.Node) string {
	var b strings.Builder
	for _, n := range nodes {
		for c := range n.Descendants() {
			if c.Type == html.TextNode {
				b.WriteString(c.Data)
			}
		}
	}
	return b.String()
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
