package oidcrp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// maxLogoutRequest bounds the body of a back-channel logout, in bytes.
const maxLogoutRequest = maxIDToken + 4<<10

// errReplayed says that a logout token was used before.
var errReplayed = errors.New("the jti of the logout token was used before")

// backChannelLogout is POST /logout/backchannel (OpenID Connect Back-Channel Logout
// 1.0 §2.5 to §2.8): the provider says that one of its sessions is over, or all of
// somebody's. The answer is 200 also when there was nothing left to end, 400 when
// that was not the provider's word, and 503 when it may be and we could not tell, or
// not act on it: the provider may try again.
//
// Anybody can send something here: only what the provider has signed, for us, just
// now and for the first time, ends anything.
func (c *Client) backChannelLogout(w http.ResponseWriter, r *http.Request) {
	if c.methodNotAllowed(w, r, "POST", http.MethodPost) {
		return
	}
	idp.NoStore(w)
	raw, err := readLogoutForm(w, r)
	if err != nil {
		c.refuseLogout(w, r, fault.New(fault.LogoutTokenInvalid, err))
		return
	}
	token, err := c.verifyLogoutToken(r.Context(), raw)
	switch {
	case errors.Is(err, errKeysNotFetched):
		c.refuseLogout(w, r, fault.New(fault.IdPUnavailable, fmt.Errorf("verifying logout token: %w", err)))
		return
	case err != nil:
		c.refuseLogout(w, r, fault.New(fault.LogoutTokenInvalid, fmt.Errorf("verifying logout token: %w", err)))
		return
	}
	n, err := c.endAsTold(context.WithoutCancel(r.Context()), token)
	switch {
	case errors.Is(err, errReplayed):
		c.refuseLogout(w, r, fault.New(fault.LogoutTokenInvalid, err))
		return
	case err != nil:
		c.refuseLogout(w, r, fault.New(fault.StoreUnavailable, err))
		return
	}
	c.metrics.loggedOut(idp.LogoutBackChannel)
	c.log.InfoContext(r.Context(), "back-channel logout", "audit", true, "sessions", n, "sub", loggable(token.subject), "by_sid", token.sid != "", requestID(r.Context()))
	w.WriteHeader(http.StatusOK)
}

// logoutTokenUse is the purpose for which the jti of a logout token is used.
const logoutTokenUse = "logout_token"

// endAsTold ends the sessions that a token is about, which it can do once. The error
// is errReplayed, or that of the store: then the token is not spent, so that the
// provider's next try is as good as the first; and what the store could not end is
// ended once it answers, should there be none.
func (c *Client) endAsTold(ctx context.Context, t logoutToken) (n int, err error) {
	jti := t.issuer + "\n" + t.jti
	switch used, err := c.cfg.Ends.Used(ctx, logoutTokenUse, jti); {
	case err != nil:
		return 0, fmt.Errorf("asking whether the jti was used: %w", err)
	case used:
		return 0, errReplayed
	}
	if t.sid != "" {
		n, err = c.cfg.Ends.EndSID(ctx, t.issuer, t.sid, session.EndedByBackChannel)
	} else {
		n, err = c.cfg.Ends.EndSubject(ctx, t.issuer, t.subject, session.EndedByBackChannel)
	}
	if err != nil {
		return n, err
	}
	// Until nothing takes the token for fresh any more.
	until := c.now().Add(logoutTokenAge + 2*clockSkew)
	switch first, err := c.cfg.Ends.FirstUse(ctx, logoutTokenUse, jti, until); {
	case err != nil:
		return n, fmt.Errorf("remembering the jti: %w", err)
	case !first: // the same token at the same moment: one of them is the first
		return n, errReplayed
	}
	return n, nil
}

// readLogoutForm returns the one logout_token of a form.
func readLogoutForm(w http.ResponseWriter, r *http.Request) (string, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return "", errors.New("the body is not application/x-www-form-urlencoded")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLogoutRequest))
	if err != nil {
		return "", errors.New("the body is too large or was cut short")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", errors.New("the form is malformed")
	}
	tokens := form["logout_token"]
	if len(tokens) != 1 || tokens[0] == "" {
		return "", errors.New("the form has not exactly one logout_token")
	}
	return tokens[0], nil
}

// refuseLogout is the answer of Back-Channel Logout 1.0 §2.8. What exactly was wrong
// is for our log: a forger learns nothing from the answer.
func (c *Client) refuseLogout(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	kind, level := idp.LogoutRefused, slog.LevelWarn
	said := map[string]string{"error": "invalid_request", "error_description": f.Detail}
	h := w.Header()
	if f.Status >= http.StatusInternalServerError {
		kind, level = idp.LogoutIncomplete, slog.LevelError
		said = map[string]string{"error": "temporarily_unavailable", "error_description": "The logout cannot be carried out right now."}
		h.Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())))
	}
	c.metrics.loggedOut(kind)
	c.log.Log(r.Context(), level, "back-channel logout refused", "audit", true, "code", f.Code, "cause", f.Cause, requestID(r.Context()))
	body, _ := json.Marshal(said) // strings always encode
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set(fault.Header, string(f.Code))
	w.WriteHeader(f.Status)
	_, _ = w.Write(append(body, '\n'))
}
