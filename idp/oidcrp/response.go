package oidcrp

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
)

// The longest parameters of an authorization response, in bytes.
const (
	maxCode     = 8 << 10
	maxFormPost = 64 << 10
)

// protocolParameters are those of RFC 6749 §4.1.2, OpenID Connect Core §3.1.2.5,
// Session Management §2 and RFC 9207; none may occur twice.
var protocolParameters = [...]string{
	"state", "code", "error", "error_description", "error_uri", "iss", "session_state",
	"id_token", "access_token", "token_type", "expires_in", "response",
}

// authorizationResponse is what came back through the browser. Nothing of it is
// to be believed before checkResponse.
type authorizationResponse struct {
	state string
	kind  stateKind
	code  string // "" = an error

	errorCode        string
	errorDescription string

	iss     string
	issSent bool
}

// readAuthorizationResponse reads the query of a GET or the form of a POST, never
// both. It accepts exactly one state that could be ours and exactly one of code
// and error. The error is a *fault.Error.
func readAuthorizationResponse(w http.ResponseWriter, r *http.Request) (*authorizationResponse, error) {
	raw := r.URL.RawQuery
	if r.Method == http.MethodPost {
		form, err := readForm(w, r)
		if err != nil {
			return nil, err
		}
		raw = form
	}
	resp, err := parseAuthorizationResponse(raw)
	if err != nil {
		return nil, fault.New(fault.CallbackInvalid, err)
	}
	return resp, nil
}

// readForm returns the body of a form_post (OAuth 2.0 Form Post Response Mode).
func readForm(w http.ResponseWriter, r *http.Request) (string, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		f := fault.New(fault.CallbackInvalid, fmt.Errorf("the callback was posted as %q, not as a form", loggable(r.Header.Get("Content-Type"))))
		f.Status = http.StatusUnsupportedMediaType
		return "", f
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFormPost))
	if err != nil {
		return "", fault.New(fault.CallbackInvalid, errors.New("the posted callback is too large or was cut short"))
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "", fault.New(fault.CallbackInvalid, errors.New("the parameters are not well formed"))
	}
	for _, name := range protocolParameters {
		if query.Has(name) {
			return "", fault.New(fault.CallbackInvalid, fmt.Errorf("the posted callback has %s in its address, too", name))
		}
	}
	return string(body), nil
}

// parseAuthorizationResponse reads the parameters of an authorization response.
func parseAuthorizationResponse(raw string) (*authorizationResponse, error) {
	q, err := idp.ParseParameters(raw, protocolParameters[:]...)
	if err != nil {
		return nil, err
	}
	kind, ok := parseState(q.Get("state"))
	if !ok {
		return nil, errors.New("the callback has no state of ours")
	}
	if q.Has("code") == q.Has("error") {
		return nil, errors.New("the callback has neither a code nor an error, or both")
	}
	code := q.Get("code")
	if q.Has("code") && (code == "" || len(code) > maxCode) {
		return nil, fmt.Errorf("the code of the callback has %d bytes; 1 to %d are accepted", len(code), maxCode)
	}
	return &authorizationResponse{
		state: q.Get("state"), kind: kind, code: code,
		errorCode: q.Get("error"), errorDescription: q.Get("error_description"),
		iss: q.Get("iss"), issSent: q.Has("iss"),
	}, nil
}

// String repeats an error response for the log.
func (a *authorizationResponse) String() string {
	said := fmt.Sprintf("the provider answered %q", loggable(a.errorCode))
	if a.errorDescription != "" {
		said += fmt.Sprintf(" (%q)", loggable(a.errorDescription))
	}
	return said
}

// failure translates an error response (RFC 6749 §4.1.2.1, Core §3.1.2.6). What
// the provider wrote goes to the log only.
func (a *authorizationResponse) failure() *fault.Error {
	said := a.String()
	switch a.errorCode {
	case "access_denied":
		return fault.New(fault.IdPDenied, errors.New(said))
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		return fault.New(fault.IdPInteraction, fmt.Errorf("%s; with SALLYPORT_OIDC_PROMPT=none it cannot ask people for anything", said))
	case "unmet_authentication_requirements":
		return fault.New(fault.StepUpFailed, fmt.Errorf("%s; it cannot sign this person in as acr_values asks", said))
	case "invalid_scope":
		return fault.New(fault.ClientRejected, fmt.Errorf("%s; check SALLYPORT_OIDC_SCOPES against what the provider allows this client", said))
	case "invalid_target":
		return fault.New(fault.ClientRejected, fmt.Errorf("%s; check SALLYPORT_OIDC_RESOURCE", said))
	case "unauthorized_client", "invalid_client", "unsupported_response_type":
		return fault.New(fault.ClientRejected, fmt.Errorf("%s; the client of SALLYPORT_OIDC_CLIENT_ID must exist there and be allowed the authorization code flow", said))
	case "invalid_request", "invalid_request_object", "invalid_request_uri", "request_not_supported", "request_uri_not_supported":
		return fault.New(fault.ClientRejected, fmt.Errorf("%s; check SALLYPORT_OIDC_EXTRA_PARAMS and how the client is registered", said))
	}
	return fault.New(fault.IdPError, errors.New(said))
}
