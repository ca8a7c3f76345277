package main

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

// browser behaves as one as far as the flows need: cookies, redirects, forms
// and the fields that tell a navigation.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, client: &http.Client{Jar: jar, Transport: &http.Transport{}}}
}

// page is where a visit ended.
type page struct {
	status int
	url    *url.URL
	header http.Header
	body   string
}

func (b *browser) do(req *http.Request) page {
	b.t.Helper()
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{resp.StatusCode, resp.Request.URL, resp.Header, string(body)}
}

// visit is what the address bar does.
func (b *browser) visit(address string) page {
	b.t.Helper()
	return b.do(b.navigation(http.MethodGet, address, nil))
}

func (b *browser) navigation(method, address string, form url.Values) *http.Request {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", origin(req.URL))
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return req
}

// submit is a form of the same site.
func (b *browser) submit(address string, form url.Values) page {
	b.t.Helper()
	return b.do(b.navigation(http.MethodPost, address, form))
}

// script is what fetch does.
func (b *browser) script(address string) page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Sec-Fetch-Mode", "cors")
	req.Header.Set("Sec-Fetch-Dest", "empty")
	return b.do(req)
}

// pick clicks on a person of the account picker.
func (b *browser) pick(picker page, person string) page {
	b.t.Helper()
	root, err := html.Parse(strings.NewReader(picker.body))
	if err != nil {
		b.t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Data != "input" || attribute(n, "name") != "id" {
			continue
		}
		action := picker.url.ResolveReference(&url.URL{Path: "login"})
		return b.submit(action.String(), url.Values{"id": {attribute(n, "value")}, "person": {person}})
	}
	b.t.Fatalf("%s is no account picker: status %d, %s\n%s", picker.url.Path, picker.status, picker.header.Get("Sallyport-Error"), picker.body)
	return page{}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// signIn goes to an address of the site and picks a person on the way.
func (b *browser) signIn(address, person string) page {
	b.t.Helper()
	return b.pick(b.visit(address), person)
}

// decode reads a JSON body.
func decode[T any](t *testing.T, p page) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(p.body), &v); err != nil {
		t.Fatalf("%s: %v\n%s", p.url, err, p.body)
	}
	return v
}
