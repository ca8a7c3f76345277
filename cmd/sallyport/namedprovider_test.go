package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// shownFault keeps what a page would show.
type shownFault struct{ hint string }

func (p *shownFault) Fault(_ http.ResponseWriter, _ *http.Request, e *fault.Error) { p.hint = e.Hint }

// What a provider with a number says names its own variables, wherever it is read.
func TestProvidersNameTheirVariables(t *testing.T) {
	n := names{"SALLYPORT_OIDC_ISSUER": "SALLYPORT_OIDC_2_ISSUER", "SALLYPORT_OIDC_CLIENT_SECRET": "SALLYPORT_OIDC_2_CLIENT_SECRET"}
	broken := brokenProvider{err: errors.New("check SALLYPORT_OIDC_ISSUER")}
	p := namedProvider{broken, n}
	if err := p.Ready(); err == nil || err.Error() != "check SALLYPORT_OIDC_2_ISSUER" {
		t.Errorf("Ready: %v", err)
	}
	_, err := p.Refresh(t.Context(), &session.Session{})
	failed, ok := errors.AsType[*session.RefreshError](err)
	if !ok || failed.Outcome != session.RefreshMisconfigured || failed.Err.Error() != "check SALLYPORT_OIDC_2_ISSUER" {
		t.Errorf("Refresh: %v", err)
	}
	var shown shownFault
	f := fault.New(fault.ClientRejected, nil)
	namedPages{&shown, n}.Fault(nil, nil, f)
	if !strings.Contains(shown.hint, "SALLYPORT_OIDC_2_CLIENT_SECRET") || strings.Contains(f.Hint, "_2_") {
		t.Errorf("the page says %q, the fault %q", shown.hint, f.Hint)
	}
}

// brokenProvider is one whose every answer is an error.
type brokenProvider struct {
	idp.Provider
	err error
}

func (p brokenProvider) Ready() error { return p.err }

func (p brokenProvider) Refresh(context.Context, *session.Session) (session.Renewal, error) {
	return session.Renewal{}, &session.RefreshError{Outcome: session.RefreshMisconfigured, Err: p.err}
}
