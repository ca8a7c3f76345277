package oidcrp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// PushedRequests says when the authorization request goes to the provider directly
// instead of through the browser (RFC 9126).
type PushedRequests string

// The values of SALLYPORT_OIDC_PAR.
const (
	PushedAuto   PushedRequests = "auto"   // when the metadata require it
	PushedAlways PushedRequests = "always" // or there is no sign-in at all
)

// pushEndpoint is its name in the metadata (RFC 9126 §5).
const pushEndpoint = "pushed_authorization_request_endpoint"

// maxRequestURI bounds the request_uri that a provider answers with, in bytes.
const maxRequestURI = 2 << 10

// forPushing keeps the endpoint for pushed requests in m only where they are sent,
// and returns an error when there is none to send them to.
func (m *metadata) forPushing(when PushedRequests) error {
	switch {
	case when != PushedAlways && !m.PushRequired:
		m.PushEndpoint = ""
		return nil
	case m.PushEndpoint != "":
		return nil
	case m.PushRequired:
		return errors.New("the provider's metadata require pushed authorization requests (RFC 9126) and name no " + pushEndpoint)
	}
	return errors.New("SALLYPORT_OIDC_PAR is always and the provider's metadata name no " + pushEndpoint + "; use auto")
}

// authorizationAddress is where the browser goes to sign in: the authorization
// endpoint with the whole request, or with a reference to the one that was pushed.
// The error is a *fault.Error.
func (c *Client) authorizationAddress(ctx context.Context, provider *metadata, p session.Pending, b beginning) (string, error) {
	request := c.authorizationRequest(p, b)
	if provider.PushEndpoint == "" {
		return withQuery(provider.AuthorizationEndpoint, request), nil
	}
	// That a browser went away says nothing about the provider: the call is carried
	// through, so that it is not counted as one that failed.
	reference, err := c.push(context.WithoutCancel(ctx), provider.PushEndpoint, request)
	if err != nil {
		return "", err
	}
	return withQuery(provider.AuthorizationEndpoint, url.Values{"client_id": {c.cfg.ClientID}, "request_uri": {reference}}), nil
}

// push sends an authorization request to the provider and returns its request_uri
// (RFC 9126 §2). How long that is good for does not matter: the browser goes there
// at once. The error is a *fault.Error.
func (c *Client) push(ctx context.Context, address string, request url.Values) (string, error) {
	a, err := c.post(ctx, atPushed, address, request)
	if err != nil {
		return "", postFault(err, fault.IdPError)
	}
	if a.status != http.StatusCreated && a.status != http.StatusOK {
		return "", c.pushFailure(a)
	}
	o, err := parseObject(a.body)
	if err != nil {
		return "", fault.New(fault.IdPError, fmt.Errorf("reading the answer of the %s endpoint: %w", atPushed, err))
	}
	reference, _ := o.text("request_uri")
	if reference == "" || len(reference) > maxRequestURI {
		return "", fault.New(fault.IdPError, fmt.Errorf("the request_uri of the %s endpoint has %d bytes; 1 to %d are accepted", atPushed, len(reference), maxRequestURI))
	}
	return reference, nil
}

// pushFailure translates an answer that is no success (RFC 9126 §2.3). The errors
// are those that the browser would have brought back otherwise, and invalid_client.
func (c *Client) pushFailure(a *answer) *fault.Error {
	var said authorizationResponse
	if o, err := parseObject(a.body); err == nil {
		said.errorCode, _ = o.text("error")
		said.errorDescription, _ = o.text("error_description")
	}
	switch {
	case a.refusesClient() && said.errorCode == "":
		return c.clientRejected(a.success(atPushed).Error())
	case a.refusesClient():
		return c.clientRejected(said.String())
	case said.errorCode == "":
		return fault.New(fault.IdPError, a.success(atPushed))
	}
	return said.failure()
}
