package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// visitor is a browser without a memory: it follows no redirect and keeps no cookie.
type visitor struct {
	client *http.Client
	origin string
}

func newVisitor(addr string) *visitor {
	return &visitor{origin: "http://" + addr, client: &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signIn goes the whole way once and returns the session cookie.
func (v *visitor) signIn(ctx context.Context, idp *issuer, subject string) (string, error) {
	begun, err := v.get(ctx, path(1), "")
	if err != nil {
		return "", err
	}
	if err := toSignIn(idp.URL).header(begun.Header); err != nil {
		return "", err
	}
	query, err := idp.authorize(begun.Header.Get("Location"), subject)
	if err != nil {
		return "", err
	}
	ended, err := v.get(ctx, "/oauth2/callback?"+query.Encode(), cookiesOf(begun, "sallyport-login-"))
	if err != nil {
		return "", err
	}
	cookie := cookiesOf(ended, "sallyport=")
	if ended.StatusCode != http.StatusFound || cookie == "" {
		return "", fmt.Errorf("the callback answers %s %s without a session", ended.Status, ended.Header.Get("Sallyport-Error"))
	}
	return cookie, v.check(ctx, subject, cookie)
}

// check uses the session once.
func (v *visitor) check(ctx context.Context, subject, cookie string) error {
	got, err := v.get(ctx, path(1), cookie)
	if err != nil {
		return err
	}
	if got.StatusCode != http.StatusOK {
		return fmt.Errorf("a signed-in request answers %s", got.Status)
	}
	return fromApp(nil, subject+"@example.com", true).header(got.Header)
}

func (v *visitor) get(ctx context.Context, target, cookie string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.origin+target, nil)
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	request.Header.Set("Accept", "text/html")
	request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	answer, err := v.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("visiting: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return nil, fmt.Errorf("reading a body: %w", err)
	}
	return answer, nil
}

// cookiesOf are the answer's cookies that begin so and are not taken away, as a Cookie
// field.
func cookiesOf(answer *http.Response, prefix string) string {
	var pairs []string
	for _, c := range answer.Cookies() {
		if pair := c.Name + "=" + c.Value; strings.HasPrefix(pair, prefix) && c.MaxAge >= 0 {
			pairs = append(pairs, pair)
		}
	}
	return strings.Join(pairs, "; ")
}
