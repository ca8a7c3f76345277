package oidcrp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/sallyport/sallyport/session"
)

// maxLogoutRequest bounds the body of a back-channel logout, in bytes.
const maxLogoutRequest = maxIDToken + 4<<10

// errReplayed says that a logout token was used before.
var errReplayed = errors.New("its jti was used before")

// backChannelLogout is POST /logout/backchannel (OpenID Connect Back-Channel Logout
// 1.0 §2.5 to §2.8): the provider says that one of its sessions is over, or all of
// somebody's. The answer is 200 also when there was nothing left to end, and 400 for
// everything else, so that a provider that tries again may do so.
//
// Anybody can send something here: only what the provider has signed, for us, just
// now and for the first time, ends anything.
func (c *Client) backChannelLogout(w http.ResponseWriter, r *http.Request) {
	if c.methodNotAllowed(w, r, "POST", http.MethodPost) {
		return
	}
	noStore(w)
	raw, err := readLogoutToken(w, r)
	if err != nil {
		c.refuseLogout(w, r, "invalid_request", err)
		return
	}
	token, err := c.verifyLogoutToken(r.Context(), raw)
	if err != nil {
		c.refuseLogout(w, r, "invalid_request", fmt.Errorf("verifying logout token: %w", err))
		return
	}
	n, err := c.endAsTold(context.WithoutCancel(r.Context()), token)
	if errors.Is(err, errReplayed) {
		c.refuseLogout(w, r, "invalid_request", fmt.Errorf("verifying logout token: %w", err))
		return
	}
	if err != nil {
		// Whatever the store does not know yet is ended once it answers; the token
		// is spent then, so that the provider's next try cannot help.
		w.Header().Set("Retry-After", "2")
		c.refuseLogout(w, r, "temporarily_unavailable", err)
		return
	}
	c.metrics.loggedOut(logoutBackChannel)
	c.log.InfoContext(r.Context(), "back-channel logout", "audit", true, "sessions", n, "sub", loggable(token.subject), "by_sid", token.sid != "", requestID(r.Context()))
	w.WriteHeader(http.StatusOK)
}

// endAsTold ends the sessions that a token is about, which it can do once.
func (c *Client) endAsTold(ctx context.Context, t logoutToken) (int, error) {
	// Until nothing takes the token for fresh any more.
	until := c.now().Add(logoutTokenAge + 2*clockSkew)
	first, err := c.cfg.Ends.FirstUse(ctx, "logout_token", t.issuer+"\n"+t.jti, until)
	if err != nil {
		return 0, fmt.Errorf("remembering the jti: %w", err)
	}
	if !first {
		return 0, errReplayed
	}
	if t.sid != "" {
		return c.cfg.Ends.EndSID(ctx, t.issuer, t.sid, session.EndedByBackChannel)
	}
	return c.cfg.Ends.EndSubject(ctx, t.issuer, t.subject, session.EndedByBackChannel)
}

// readLogoutToken returns the one logout_token of a form.
func readLogoutToken(w http.ResponseWriter, r *http.Request) (string, error) {
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
func (c *Client) refuseLogout(w http.ResponseWriter, r *http.Request, code string, cause error) {
	c.metrics.loggedOut(logoutRefused)
	c.log.WarnContext(r.Context(), "back-channel logout refused; nothing was ended", "audit", true, "cause", cause, requestID(r.Context()))
	// Strings always encode.
	body, _ := json.Marshal(map[string]string{"error": code, "error_description": "The logout token was not accepted; the log of Sallyport says why."})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(append(body, '\n'))
}
