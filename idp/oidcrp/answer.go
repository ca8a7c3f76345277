package oidcrp

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/reqid"
)

// loginFault ends a sign-in with a page; retryURL is where "Try again" leads. The
// cause goes into one log line and nowhere else.
func (c *Client) loginFault(w http.ResponseWriter, r *http.Request, err error, retryURL string) {
	f := fault.Of(err)
	c.metrics.loginFailed(f.Code)
	c.log.LogAttrs(r.Context(), faultLevel(f.Code), "sign-in failed",
		slog.String("code", string(f.Code)), slog.Any("cause", f.Cause), requestID(r.Context()))
	f.RetryURL = retryURL
	if f.Code == fault.AccountNotAllowed || f.Code == fault.EmailDomainRefused {
		f.RetryURL = askingForAccount(retryURL)
	}
	idp.NoStore(w)
	c.cfg.Pages.Fault(w, r, f)
}

// faultLevel is Error where nobody can sign in before an operator acts, and Info
// where people and browsers do what they do.
func faultLevel(code fault.Code) slog.Level {
	switch code {
	case fault.Internal, fault.ClientRejected, fault.AccessTokenAbsent, fault.IDTokenAbsent, fault.SessionNotBound,
		fault.SessionTooLarge:
		return slog.LevelError
	case fault.IdPDenied, fault.IdPInteraction, fault.LoginCookieLost, fault.CallbackInvalid, fault.LoginInvalid,
		fault.SignInRequired, fault.MethodNotAllowed, fault.AccountNotAllowed:
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

func requestID(ctx context.Context) slog.Attr { return slog.String("request_id", reqid.From(ctx)) }

// methodNotAllowed answers a method that an endpoint does not have, and reports
// whether it did. HEAD is not GET here: most of our endpoints do something.
func (c *Client) methodNotAllowed(w http.ResponseWriter, r *http.Request, allowed string, methods ...string) bool {
	for _, m := range methods {
		if r.Method == m {
			return false
		}
	}
	idp.NoStore(w)
	w.Header().Set("Allow", allowed)
	c.cfg.Pages.Fault(w, r, fault.New(fault.MethodNotAllowed, nil))
	return true
}
