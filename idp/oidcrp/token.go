package oidcrp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// maxTokenLife bounds expires_in: what a provider says beyond it, up to 1e300, is
// taken for it.
const maxTokenLife = 30 * 24 * time.Hour

// tokens are what a code or a refresh token was exchanged for.
type tokens struct {
	accessToken  secret.Text
	idToken      secret.Text // empty when the provider gave none
	refreshToken secret.Text // empty when the provider gave none
	obtainedAt   time.Time
	expiresAt    time.Time // of the access token; zero when the provider did not say
	scope        []string  // what was granted; nil = what was asked for (RFC 6749 §5.1)
}

func (t *tokens) grant() session.Grant {
	return session.Grant{
		AccessToken: t.accessToken, IDToken: t.idToken, RefreshToken: t.refreshToken,
		ExpiresAt: t.expiresAt, ObtainedAt: t.obtainedAt,
	}
}

// redeem exchanges the code (RFC 6749 §4.1.3, RFC 7636 §4.5) in exactly one
// request. The error is or wraps a *fault.Error; an *otherSecretError asks for a new
// code.
//
// x/oauth2's exchange is not used: its errors hold the body of the answer and
// cannot be told apart when the access token is missing, it takes a plain text
// answer for a query, and refuses a large expires_in.
func (c *Client) redeem(ctx context.Context, provider *metadata, code, verifier string) (*tokens, error) {
	used := c.secrets.inForce()
	a, err := c.postOnce(ctx, atToken, provider.TokenEndpoint, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code},
		"redirect_uri":  {c.cfg.RedirectURL},
		"code_verifier": {verifier},
	}, used)
	if err != nil {
		return nil, postFault(err, fault.TokenInvalid)
	}
	if a.refusesClient() {
		if _, another := c.secrets.refuse(used); another {
			return nil, &otherSecretError{c.tokenFailure(a)}
		}
	}
	if a.status != http.StatusOK {
		return nil, c.tokenFailure(a)
	}
	t, err := c.readTokens(a.body, c.now())
	if err != nil {
		return nil, err
	}
	if t.idToken.IsEmpty() {
		return nil, fault.New(fault.IDTokenAbsent, errors.New("the token response has no id_token; SALLYPORT_OIDC_SCOPES must contain openid, and the client must be one of OpenID Connect"))
	}
	return t, nil
}

// callFault tells people that the provider is slow or away; invalid is what an
// answer that broke off means.
func callFault(err error, invalid fault.Code) *fault.Error {
	code := invalid
	if e, ok := errors.AsType[*callError](err); ok {
		switch e.outcome {
		case callTimeout:
			code = fault.IdPTimeout
		case callUnreachable:
			code = fault.IdPUnavailable
		}
	}
	return fault.New(code, err)
}

// postFault says why a request of Client.post or postOnce has no answer; invalid is as in
// callFault.
func postFault(err error, invalid fault.Code) *fault.Error {
	if _, called := errors.AsType[*callError](err); !called {
		return fault.New(fault.Internal, err)
	}
	return callFault(err, invalid)
}

// tokenFailure translates an answer that is no success (RFC 6749 §5.2).
func (c *Client) tokenFailure(a *answer) *fault.Error {
	if o, err := parseObject(a.body); err == nil && o.has("error") {
		return c.tokenErrorFault(o)
	}
	err := a.success(atToken)
	switch {
	case a.status == http.StatusUnauthorized:
		return c.clientRejected(err.Error())
	case a.status == http.StatusTooManyRequests, a.status >= 500:
		return fault.New(fault.IdPError, err)
	}
	return fault.New(fault.TokenInvalid, err)
}

func (c *Client) tokenErrorFault(o object) *fault.Error {
	name, _ := o.text("error")
	said := saidBy(o)
	switch name {
	case "invalid_grant":
		return fault.New(fault.CodeRejected, fmt.Errorf("%s: the code was used or has expired, or the redirect URI differs", said))
	case "invalid_client", "unauthorized_client":
		return c.clientRejected(said)
	case "invalid_request", "invalid_scope", "invalid_target", "unsupported_grant_type":
		return fault.New(fault.ClientRejected, fmt.Errorf("%s; check SALLYPORT_OIDC_CLIENT_AUTH, SALLYPORT_OIDC_SCOPES and how the client is registered", said))
	case "server_error", "temporarily_unavailable":
		return fault.New(fault.IdPError, errors.New(said))
	}
	return fault.New(fault.TokenInvalid, errors.New(said))
}

// saidBy repeats an error of the token endpoint for the log.
func saidBy(o object) string {
	name, _ := o.text("error")
	said := fmt.Sprintf("the token endpoint answers %q", loggable(name))
	if description, _ := o.text("error_description"); description != "" {
		said += fmt.Sprintf(" (%q)", loggable(description))
	}
	return said
}

// readTokens reads a successful token response (RFC 6749 §5.1, OpenID Connect Core
// §3.1.3.3 and §12.2); all but the access token may be absent, and
// that too with Config.AccessTokenOptional. The type must be
// Bearer, in any case; a missing one is refused, too, because the specification
// requires it and other types must not be used like Bearer. The error is a
// *fault.Error and holds nothing of the body.
func (c *Client) readTokens(body []byte, now time.Time) (*tokens, error) {
	o, err := parseObject(body)
	if err != nil {
		return nil, fault.New(fault.TokenInvalid, fmt.Errorf("reading the token response: %w", err))
	}
	if o.has("error") {
		return nil, c.tokenErrorFault(o) // some say so with status 200
	}
	access, expiresAt, err := c.readAccessToken(o, now)
	if err != nil {
		return nil, err
	}
	id, _ := o.text("id_token")
	refresh, _ := o.text("refresh_token")
	t := &tokens{accessToken: secret.New(access), idToken: secret.New(id), refreshToken: secret.New(refresh), obtainedAt: now, expiresAt: expiresAt}
	if scope, ok := o.text("scope"); ok {
		t.scope = strings.Fields(scope)
	}
	return t, nil
}

// readAccessToken reads the members that are about the access token. Without one,
// where that is allowed, the others say nothing.
func (c *Client) readAccessToken(o object, now time.Time) (access string, expiresAt time.Time, err error) {
	access, _ = o.text("access_token")
	switch {
	case access == "" && c.cfg.AccessTokenOptional:
		return "", time.Time{}, nil
	case access == "":
		return "", time.Time{}, fault.New(fault.AccessTokenAbsent, errors.New("the token response has no access_token; SALLYPORT_OIDC_SCOPES may have to name a resource of the provider (for Azure AD B2C the client id, written {client_id}, as SALLYPORT_OIDC_PROVIDER=b2c does); SALLYPORT_OIDC_ACCESS_TOKEN_REQUIRED=false does without"))
	}
	if kind, _ := o.text("token_type"); !strings.EqualFold(kind, "Bearer") {
		return "", time.Time{}, fault.New(fault.TokenInvalid, fmt.Errorf("the token response has the token_type %q, only Bearer is supported", loggable(kind)))
	}
	expiresAt, err = expiry(o["expires_in"], now)
	if err != nil {
		return "", time.Time{}, fault.New(fault.TokenInvalid, err)
	}
	return access, expiresAt, nil
}

// expiry reads expires_in: a number of seconds, or a string with one. Absent is
// the zero time, and so is a number that is not above zero: taken at its word, each
// request would have to refresh. It is at most maxTokenLife.
func expiry(raw json.RawMessage, now time.Time) (time.Time, error) {
	text := string(raw)
	if s, ok := asString(raw); ok {
		text = s
	}
	if text == "" || text == "null" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if math.IsNaN(seconds) || err != nil && !errors.Is(err, strconv.ErrRange) {
		return time.Time{}, errors.New("the expires_in of the token response is not a number of seconds")
	}
	if seconds <= 0 {
		return time.Time{}, nil
	}
	return now.Add(time.Duration(math.Min(seconds, maxTokenLife.Seconds())) * time.Second), nil
}
