package oidcrp

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// The largest answers that are read, in bytes after decompression.
const (
	maxAnswer = 1 << 20
	maxJWKS   = 512 << 10
)

// maxConnections bounds how many calls to one host of the provider are under way;
// further ones wait, within their timeout.
const maxConnections = 64

// idleConnection is how long a connection to the provider is kept for the next call. It is
// less than servers keep one, five seconds by default of Node.js and Apache: a request that
// meets the provider's close fails, and one that redeems a code or a refresh token is not sent
// twice.
const idleConnection = 3 * time.Second

// caller makes every call to the provider: with a time limit, a size limit and
// no redirects, because a redirect would carry codes, tokens or the client secret
// to an address that nobody configured.
type caller struct {
	client  *http.Client
	tls     *clientTLS // nil = no certificate is shown to anyone
	timeout time.Duration
	now     func() time.Time
	metrics *metrics
}

// newCaller makes a caller. HTTPS_PROXY and its kin apply: where servers reach
// the internet only through a proxy, so is the provider.
func newCaller(ca *x509.CertPool, timeout time.Duration, now func() time.Time, m *metrics) *caller {
	return &caller{
		client: &http.Client{
			Transport: &http.Transport{
				Proxy:                  http.ProxyFromEnvironment,
				DialContext:            (&net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}).DialContext,
				TLSClientConfig:        &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12},
				TLSHandshakeTimeout:    timeout,
				ForceAttemptHTTP2:      true,
				MaxConnsPerHost:        maxConnections,
				MaxIdleConnsPerHost:    8,
				IdleConnTimeout:        idleConnection,
				MaxResponseHeaderBytes: 64 << 10,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		timeout: timeout, now: now, metrics: m,
	}
}

// answer is what the provider answered, whatever the status.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// callError says that there is no answer to look at. Its text holds neither the
// request nor the answer.
type callError struct {
	endpoint endpoint
	outcome  outcome
	err      error
}

// Error implements error.
func (e *callError) Error() string {
	return fmt.Sprintf("calling the %s endpoint: %v", e.endpoint, e.err)
}

// Unwrap returns the cause.
func (e *callError) Unwrap() error { return e.err }

// call sends a request and reads the whole answer, of at most limit bytes. The
// error is a *callError. An answer with any status is an answer.
func (c *caller) call(req *http.Request, at endpoint, limit int64) (*answer, error) {
	return c.callWith(c.client, req, at, limit)
}

// callAsClient is call with the client's certificate, where there is one.
func (c *caller) callAsClient(req *http.Request, at endpoint, limit int64) (*answer, error) {
	if c.tls == nil {
		return c.call(req, at, limit)
	}
	return c.callWith(c.tls.current(), req, at, limit)
}

func (c *caller) callWith(client *http.Client, req *http.Request, at endpoint, limit int64) (*answer, error) {
	ctx, cancel := context.WithTimeout(req.Context(), c.timeout)
	defer cancel()
	start := c.now()
	a, how, err := exchange(client, req.WithContext(ctx), limit)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			how, err = callTimeout, fmt.Errorf("no complete answer within %s (SALLYPORT_OIDC_TIMEOUT): %w", c.timeout, context.DeadlineExceeded)
		}
		c.metrics.called(at, how, c.now().Sub(start))
		return nil, &callError{endpoint: at, outcome: how, err: err}
	}
	c.metrics.called(at, how, c.now().Sub(start))
	return a, nil
}

func exchange(client *http.Client, req *http.Request, limit int64) (*answer, outcome, error) {
	resp, err := client.Do(req)
	if err != nil {
		// url.Error repeats the address; the path is enough of it.
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return nil, callUnreachable, fmt.Errorf("sending to %s: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, callInvalid, fmt.Errorf("reading the answer of %s: %w", req.URL.Host, err)
	}
	if int64(len(body)) > limit {
		return nil, callInvalid, fmt.Errorf("the answer of %s has more than %d bytes", req.URL.Host, limit)
	}
	how := callOK
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		how = callRefused
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: body}, how, nil
}

// statusError says that an answer has a status that is no success.
type statusError struct {
	endpoint endpoint
	status   int
	location string // where a redirect would have led
}

// Error implements error.
func (e *statusError) Error() string {
	if e.status >= 300 && e.status < 400 {
		return fmt.Sprintf("the %s endpoint redirects to %q (status %d); redirects are refused, configure the address they lead to", e.endpoint, loggable(e.location), e.status)
	}
	return fmt.Sprintf("the %s endpoint answers with status %d", e.endpoint, e.status)
}

// success returns a *statusError unless the status is 200.
func (a *answer) success(at endpoint) error {
	if a.status == http.StatusOK {
		return nil
	}
	return &statusError{endpoint: at, status: a.status, location: hostOf(a.header.Get("Location"))}
}

// hostOf keeps what is safe to log of an address: a query may hold secrets.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// boundedTransport lends the caller's limits to a library that wants an
// http.Client. Every answer but 200 is an error, so that the library cannot put
// its body into one. address, when set, replaces the one that is asked for.
type boundedTransport struct {
	caller  *caller
	at      endpoint
	address *url.URL
}

// RoundTrip implements http.RoundTripper.
func (t boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.address != nil {
		req = req.Clone(req.Context())
		req.URL, req.Host = t.address, t.address.Host
	}
	a, err := t.caller.call(req, t.at, maxAnswer)
	if err != nil {
		return nil, err
	}
	if err := a.success(t.at); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: req,
	}, nil
}
