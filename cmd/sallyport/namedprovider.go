package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// namedProvider calls the variables that its provider's errors speak of what that
// provider's are called.
type namedProvider struct {
	idp.Provider
	names names
}

// Ready implements idp.Provider.
func (p namedProvider) Ready() error {
	if err := p.Provider.Ready(); err != nil {
		return errors.New(p.names.in(err.Error()))
	}
	return nil
}

// Refresh implements session.Refresher.
func (p namedProvider) Refresh(ctx context.Context, s *session.Session) (session.Renewal, error) {
	renewal, err := p.Provider.Refresh(ctx, s)
	if failed, ok := errors.AsType[*session.RefreshError](err); ok && len(p.names) > 0 {
		named := *failed
		named.Err = errors.New(p.names.in(failed.Err.Error()))
		err = &named
	}
	return renewal, err
}

// namedPages does the same for what pages tell operators.
type namedPages struct {
	idp.Pages
	names names
}

// Fault implements idp.Pages.
func (p namedPages) Fault(w http.ResponseWriter, r *http.Request, e *fault.Error) {
	named := *e
	named.Hint = p.names.in(e.Hint)
	p.Pages.Fault(w, r, &named)
}
