package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
)

// adminTransport reaches the admin listener of the process that has the same
// environment, by what SALLYPORT_ADMIN_LISTEN says.
func adminTransport(address string) *http.Transport {
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			if path, ok := strings.CutPrefix(address, unixScheme); ok {
				return d.DialContext(ctx, "unix", path)
			}
			return d.DialContext(ctx, "tcp", reachable(address))
		},
	}
}

const (
	adminClientTimeout = 40 * time.Second // ending many sessions may take half a minute
	maxAdminAnswer     = 64 << 20         // bytes; 100 000 sessions have some 50 MB
)

// adminClient asks the session API.
type adminClient struct {
	http  *http.Client
	base  string // URL without a trailing slash
	token secret.Text
}

// newAdminClient asks the API at that URL, or, when it is "", the one beside us.
// The token follows no redirect.
func newAdminClient(base, listen string, token secret.Text) (*adminClient, error) {
	c := &adminClient{token: token, http: &http.Client{
		Timeout:       adminClientTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if base == "" {
		if listen == adminOff {
			return nil, errors.New("SALLYPORT_ADMIN_LISTEN is off, so that nobody can be asked; name the admin listener with --admin-url")
		}
		c.http.Transport, c.base = adminTransport(listen), "http://localhost"
		return c, nil
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("--admin-url is %q; write the address of the admin listener, such as http://127.0.0.1:4190", base)
	}
	c.base = trimSlash(base)
	return c, nil
}

// ask sends a request and reads the answer into out.
func (c *adminClient) ask(ctx context.Context, method, path string, query url.Values, out any) error {
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return fmt.Errorf("asking the admin listener: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("asking the admin listener: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAdminAnswer))
	if err != nil {
		return fmt.Errorf("reading the admin listener's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return refusedByAdmin(resp, body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("reading the admin listener's answer: %w; is that the admin listener of Sallyport?", err)
	}
	return nil
}

// refusedByAdmin says why, in words of ours or of the problem that came.
func refusedByAdmin(resp *http.Response, body []byte) error {
	var problem adminProblem
	known := json.Unmarshal(body, &problem) == nil && problem.Code != ""
	switch {
	case known && resp.StatusCode == http.StatusUnauthorized:
		return errors.New("the admin listener does not accept the token; " + adminTokenName + " must be the one that Sallyport was started with")
	case known:
		return errors.New(printable(problem.Detail))
	case resp.StatusCode == http.StatusNotFound:
		return errors.New("there is no session API; Sallyport needs " + adminTokenName + " and the store memory, file or redis")
	}
	return fmt.Errorf("the admin listener answers %s", resp.Status)
}
