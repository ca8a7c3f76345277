package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser is a person's browser without a screen: it keeps cookies, follows
// redirects, and can read and submit forms.
type browser struct {
	t      *testing.T
	client *http.Client
	header http.Header // sent with every request, beside what a browser sends
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, client: &http.Client{Jar: jar, Timeout: patience}, header: http.Header{}}
}

// page is an answer, after redirects.
type page struct {
	t      *testing.T
	status int
	at     *url.URL
	header http.Header
	body   string
	via    []*url.URL // the redirects that led here, first one first
}

// open is a navigation: what the address bar does.
func (b *browser) open(address string) page {
	b.t.Helper()
	return b.send(http.MethodGet, address, nil, navigation())
}

// fetch is what a script in a page does.
func (b *browser) fetch(method, address string) page {
	b.t.Helper()
	return b.send(method, address, nil, http.Header{
		"Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Site": {"same-origin"},
	})
}

func navigation() http.Header {
	return http.Header{
		"Accept":         {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"none"},
	}
}

func (b *browser) send(method, address string, form url.Values, header http.Header) page {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = header
	for name, values := range b.header {
		r.Header[name] = values
	}
	p := page{t: b.t}
	client := *b.client
	stop := client.CheckRedirect
	client.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		if stop != nil {
			if err := stop(next, before); err != nil {
				return err
			}
		}
		p.via = append(p.via, next.URL)
		return nil
	}
	response, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p.status, p.at, p.header, p.body = response.StatusCode, response.Request.URL, response.Header, string(text)
	return p
}

// stopAt makes the browser stop before a redirect that match accepts.
func (b *browser) stopAt(match func(*url.URL) bool) {
	b.client.CheckRedirect = func(next *http.Request, _ []*http.Request) error {
		if match(next.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

// submit fills in the first form of p and presses its button.
func (b *browser) submit(p page, fill url.Values) page {
	b.t.Helper()
	f := p.form()
	for name, values := range fill {
		f.fields[name] = values
	}
	header := navigation()
	header.Set("Sec-Fetch-Site", "same-origin")
	header.Set("Origin", p.at.Scheme+"://"+p.at.Host)
	if strings.EqualFold(f.method, http.MethodPost) {
		return b.send(http.MethodPost, f.action.String(), f.fields, header)
	}
	f.action.RawQuery = f.fields.Encode()
	return b.send(http.MethodGet, f.action.String(), nil, header)
}

// form is a form of a page.
type form struct {
	method string
	action *url.URL
	fields url.Values
}

// form returns the first form of the page and fails the test without one.
func (p page) form() form {
	p.t.Helper()
	tree, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		p.t.Fatal(err)
	}
	var found *form
	for n := range tree.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch {
		case n.Data == "form" && found == nil:
			action, err := p.at.Parse(attribute(n, "action"))
			if err != nil {
				p.t.Fatal(err)
			}
			found = &form{method: attribute(n, "method"), action: action, fields: url.Values{}}
		case found != nil && (n.Data == "input" || n.Data == "button") && attribute(n, "name") != "":
			found.fields.Set(attribute(n, "name"), attribute(n, "value"))
		}
	}
	if found == nil {
		p.t.Fatalf("no form at %s: %d\n%s", p.at, p.status, p.body)
	}
	return *found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// received is what the application says it received.
type received struct {
	Method   string
	URL      string
	Headers  [][2]string
	Trailers [][2]string
	Bytes    int
	SHA256   string
}

// values returns every value of a header, under exactly this name in any case.
func (r received) values(name string) []string {
	var list []string
	for _, pair := range r.Headers {
		if strings.EqualFold(pair[0], name) {
			list = append(list, pair[1])
		}
	}
	return list
}

// received decodes the application's answer, and fails the test if p is not one.
func (p page) received() received {
	p.t.Helper()
	var r received
	if p.status != http.StatusOK || json.Unmarshal([]byte(p.body), &r) != nil {
		p.t.Fatalf("no answer of the application at %s: %d\n%s", p.at, p.status, p.body)
	}
	return r
}
