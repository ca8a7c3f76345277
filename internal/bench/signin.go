package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// signIn opens target as a browser would, picks a person at the demo provider,
// and returns the Cookie field that the signed-in browser sends to target: all
// cookies whose names begin with session. The provider is on the same host and has
// cookies, too.
func signIn(ctx context.Context, target, person, session string) (string, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", fmt.Errorf("making a cookie jar: %w", err)
	}
	browser := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	picker, err := visit(ctx, browser, http.MethodGet, target, nil)
	if err != nil {
		return "", err
	}
	action, form, err := pick(picker, person)
	if err != nil {
		return "", err
	}
	app, err := visit(ctx, browser, http.MethodPost, action, form)
	if err != nil {
		return "", err
	}
	if app.url.String() != target {
		return "", fmt.Errorf("the sign-in ended at %s://%s%s instead of %s", app.url.Scheme, app.url.Host, app.url.Path, target)
	}
	var cookies []string
	for _, c := range jar.Cookies(app.url) {
		if strings.HasPrefix(c.Name, session) {
			cookies = append(cookies, c.Name+"="+c.Value)
		}
	}
	if len(cookies) == 0 {
		return "", errors.New("the browser has no session cookie")
	}
	return strings.Join(cookies, "; "), nil
}

// page is where a visit ended, redirects followed.
type page struct {
	url  *url.URL
	body string
}

// visit makes a request as a navigation.
func visit(ctx context.Context, browser *http.Client, method, target string, form url.Values) (page, error) {
	request, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(form.Encode()))
	if err != nil {
		return page{}, fmt.Errorf("making a request: %w", err)
	}
	request.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := browser.Do(request)
	if err != nil {
		return page{}, fmt.Errorf("visiting %s: %w", request.URL.Path, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 4<<20))
	if err != nil {
		return page{}, fmt.Errorf("reading %s: %w", answer.Request.URL.Path, err)
	}
	if answer.StatusCode != http.StatusOK {
		return page{}, fmt.Errorf("%s answers %s %s", answer.Request.URL.Path, answer.Status, answer.Header.Get("Sallyport-Error"))
	}
	return page{url: answer.Request.URL, body: string(body)}, nil
}

// pick fills in the form whose text names the person, and returns its action.
func pick(p page, person string) (string, url.Values, error) {
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return "", nil, fmt.Errorf("parsing the account picker: %w", err)
	}
	for form := range root.Descendants() {
		if form.Data != "form" || !strings.Contains(text(form), person) {
			continue
		}
		action, err := p.url.Parse(attribute(form, "action"))
		if err != nil {
			return "", nil, fmt.Errorf("parsing the picker's action: %w", err)
		}
		return action.String(), inputs(form, person), nil
	}
	return "", nil, errors.New("the account picker has no form for " + person)
}

// inputs are the form's hidden inputs and the button that names the person.
func inputs(form *html.Node, person string) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		hidden := n.Data == "input" && attribute(n, "type") == "hidden"
		button := n.Data == "button" && strings.Contains(text(n), person)
		if name := attribute(n, "name"); name != "" && (hidden || button) {
			values.Set(name, attribute(n, "value"))
		}
	}
	return values
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
