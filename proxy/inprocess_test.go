package proxy

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http/httpguts"
)

// inProcess is a Site whose app is in the same process, for tests of many requests. They
// go in as the bytes of a connection, through net/http's parser, and come out at the
// transport, behind everything of ours and of httputil's.
type inProcess struct {
	site *Site
	auth *fakeAuth
}

func newInProcess(t testing.TB, tune func(*Config)) *inProcess {
	t.Helper()
	p := &inProcess{auth: newFakeAuth()}
	for _, s := range p.auth.sessions { // one that is about to end has its assertion signed anew each time
		s.CreatedAt, s.ExpiresAt, s.IdleAt = time.Now(), time.Now().Add(12*time.Hour), time.Now().Add(12*time.Hour)
	}
	cfg := testConfig(t, mustURL(t, "http://app.internal"))
	cfg.Auth, cfg.AccessLog = p.auth, nil
	if tune != nil {
		tune(&cfg)
	}
	var err error
	if p.site, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	p.site.forward.proxy.Transport = appInProcess{}
	return p
}

// outcome is what became of a request.
type outcome struct {
	parsed bool // net/http took it for a request
	status int
	header http.Header   // of the answer
	out    *http.Request // as the transport got it, its body read; nil = the app was not asked
}

// forwarded reports whether the app was asked.
func (o *outcome) forwarded() bool { return o.out != nil }

type outcomeKey struct{}

// appInProcess is the app: it reads the body and answers.
type appInProcess struct{}

func (appInProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	r.Context().Value(outcomeKey{}).(*outcome).out = r
	return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// send hands raw to the Site as if it had come from that address.
func (p *inProcess) send(raw, from string) *outcome {
	o := &outcome{header: make(http.Header)}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil || !servable(r) {
		return o
	}
	o.parsed, r.RemoteAddr = true, from
	p.site.ServeHTTP(o, r.WithContext(context.WithValue(r.Context(), outcomeKey{}, o)))
	return o
}

// servable is what net/http's server asks of a request beside its parser.
func servable(r *http.Request) bool {
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return false
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return false
			}
		}
	}
	return r.ProtoMajor == 1
}

// Header implements http.ResponseWriter.
func (o *outcome) Header() http.Header { return o.header }

// WriteHeader implements http.ResponseWriter.
func (o *outcome) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
}

// Write implements io.Writer.
func (o *outcome) Write(p []byte) (int, error) {
	o.WriteHeader(http.StatusOK)
	return len(p), nil
}

// head is what net/http writes to the app in front of the body.
func (o *outcome) head(t testing.TB) string {
	t.Helper()
	r := o.out.Clone(context.Background())
	r.Body, r.ContentLength, r.TransferEncoding = nil, 0, nil
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatalf("writing the request to the app: %v", err)
	}
	return b.String()
}
