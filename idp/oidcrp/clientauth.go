package oidcrp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
)

// ClientAuth says how we authenticate at the endpoints for tokens, revocations and
// pushed requests (OpenID Connect Core §9). It is configured and never found out by
// trying, because a code can be sent only once.
type ClientAuth string

// The values of SALLYPORT_OIDC_CLIENT_AUTH.
const (
	ClientSecretBasic ClientAuth = "client_secret_basic"
	// ClientSecretBasicRaw is ClientSecretBasic for providers that do not undo the
	// form encoding of RFC 6749 §2.3.1. Their metadata call it
	// client_secret_basic, too.
	ClientSecretBasicRaw ClientAuth = "client_secret_basic_raw"
	ClientSecretPost     ClientAuth = "client_secret_post"
	PrivateKeyJWT        ClientAuth = "private_key_jwt" // RFC 7523
	TLSClientAuth        ClientAuth = "tls_client_auth" // RFC 8705 §2.1
	// SelfSignedTLSClientAuth is TLSClientAuth for a provider that knows the
	// certificate itself, and not the authority that issued it (RFC 8705 §2.2).
	SelfSignedTLSClientAuth ClientAuth = "self_signed_tls_client_auth"
	ClientAuthNone          ClientAuth = "none" // a public client: PKCE alone
)

// ClientAuths are all of them, in the order of the documentation.
func ClientAuths() []ClientAuth {
	return []ClientAuth{ClientSecretBasic, ClientSecretBasicRaw, ClientSecretPost, PrivateKeyJWT, TLSClientAuth, SelfSignedTLSClientAuth, ClientAuthNone}
}

// UsesSecret reports whether SALLYPORT_OIDC_CLIENT_SECRET is needed.
func (a ClientAuth) UsesSecret() bool {
	return a == ClientSecretBasic || a == ClientSecretBasicRaw || a == ClientSecretPost
}

// UsesKey reports whether SALLYPORT_OIDC_CLIENT_KEY_FILE is needed.
func (a ClientAuth) UsesKey() bool { return a == PrivateKeyJWT || a.UsesTLS() }

// UsesTLS reports whether the credential is the certificate of that key, and the
// provider's endpoints have to be those for mutual TLS.
func (a ClientAuth) UsesTLS() bool { return a == TLSClientAuth || a == SelfSignedTLSClientAuth }

// Registered is the value of token_endpoint_auth_method that a client of this kind
// is registered with.
func (a ClientAuth) Registered() string {
	if a == ClientSecretBasicRaw {
		return string(ClientSecretBasic)
	}
	return string(a)
}

func (c *Config) checkClientAuth() []error {
	var faults []error
	switch {
	case !slices.Contains(ClientAuths(), c.ClientAuth):
		faults = append(faults, fmt.Errorf("SALLYPORT_OIDC_CLIENT_AUTH is %q; use one of %v", c.ClientAuth, ClientAuths()))
	case c.ClientAuth.UsesSecret() && (c.ClientSecret == nil || c.ClientSecret().IsEmpty()):
		faults = append(faults, fmt.Errorf("SALLYPORT_OIDC_CLIENT_SECRET is missing, and SALLYPORT_OIDC_CLIENT_AUTH is %s", c.ClientAuth))
	case c.ClientAuth.UsesKey() && (c.ClientKey == nil || c.ClientKey() == nil):
		faults = append(faults, fmt.Errorf("SALLYPORT_OIDC_CLIENT_KEY_FILE is missing, and SALLYPORT_OIDC_CLIENT_AUTH is %s", c.ClientAuth))
	case c.ClientAuth.UsesTLS() && c.ClientKey().certificate == nil:
		faults = append(faults, fmt.Errorf("SALLYPORT_OIDC_CLIENT_CERT_FILE is missing, and SALLYPORT_OIDC_CLIENT_AUTH is %s", c.ClientAuth))
	}
	switch c.AssertionAudience {
	case AudienceEndpoint:
	case "", AudienceIssuer:
		if c.ClientAuth == PrivateKeyJWT && strings.Contains(c.Issuer, TenantPlaceholder) {
			faults = append(faults, errors.New("SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE is issuer, and SALLYPORT_OIDC_ISSUER is a template; use endpoint"))
		}
	default:
		faults = append(faults, fmt.Errorf("SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE is %q; use issuer or endpoint", c.AssertionAudience))
	}
	return faults
}

// post sends a form with this client's credentials and reads the answer. When the
// provider refuses the client secret, and there is another one, the form is sent
// again with that: it must not hold what a refusal uses up. The error is that of
// postOnce.
func (c *Client) post(ctx context.Context, at endpoint, address string, form url.Values) (*answer, error) {
	used := c.secrets.inForce()
	a, err := c.postOnce(ctx, at, address, form, used)
	if err != nil || !a.refusesClient() {
		return a, err
	}
	other, ok := c.secrets.refuse(used)
	if !ok {
		return a, nil
	}
	second, err := c.postOnce(ctx, at, address, form, other)
	if err == nil && second.refusesClient() {
		c.secrets.refuse(other)
	}
	return second, err
}

// postOnce sends a form in exactly one request, with the given client secret where
// there is one, and reads the answer, from whose error the secrets are taken out
// that went there. The error is a *callError, or says that no request could be made.
func (c *Client) postOnce(ctx context.Context, at endpoint, address string, form url.Values, with secret.Text) (*answer, error) {
	req, err := c.clientRequest(ctx, address, form, with)
	if err != nil {
		return nil, err
	}
	a, err := c.caller.callAsClient(req, at, maxAnswer)
	if err != nil {
		return nil, err
	}
	a.body = c.conceal(a.body, secretsOf(form)...)
	return a, nil
}

// secretParameters are those of our forms that no log may repeat.
var secretParameters = [...]string{"client_secret", "client_assertion", "code", "code_verifier", "refresh_token", "token", "state", "nonce"}

func secretsOf(form url.Values) []string {
	var sent []string
	for _, name := range secretParameters {
		sent = append(sent, form[name]...)
	}
	return sent
}

// clientRequest makes a POST that authenticates this client in the configured way
// (OpenID Connect Core §9); it adds what belongs there to form.
func (c *Client) clientRequest(ctx context.Context, address string, form url.Values, with secret.Text) (*http.Request, error) {
	if err := c.signForm(address, form, with); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	switch c.cfg.ClientAuth {
	case ClientSecretBasic:
		// Form-encoded first (RFC 6749 §2.3.1): a secret may have a colon or a %.
		req.SetBasicAuth(url.QueryEscape(c.cfg.ClientID), url.QueryEscape(with.Reveal()))
	case ClientSecretBasicRaw:
		req.SetBasicAuth(c.cfg.ClientID, with.Reveal())
	}
	// net/http repeats a request on a fresh connection when it can rewind the
	// body; a code must not be sent twice.
	req.GetBody = nil
	return req, nil
}

// signForm adds the credentials that travel in the form.
func (c *Client) signForm(address string, form url.Values, with secret.Text) error {
	switch c.cfg.ClientAuth {
	case ClientSecretPost:
		form.Set("client_secret", with.Reveal())
	case PrivateKeyJWT:
		audience := c.cfg.Issuer
		if c.cfg.AssertionAudience == AudienceEndpoint {
			audience = address
		}
		signed, err := c.cfg.ClientKey().assertion(c.cfg.ClientID, audience, c.now())
		if err != nil {
			return err
		}
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", signed)
	case ClientSecretBasic, ClientSecretBasicRaw:
		return nil // the id travels with the secret
	}
	form.Set("client_id", c.cfg.ClientID)
	return nil
}

// clientRejected says that the provider does not accept this client's credentials.
func (c *Client) clientRejected(said string) *fault.Error {
	return fault.New(fault.ClientRejected, fmt.Errorf("%s: it does not accept our credentials, so NOBODY can sign in at this provider until this is repaired; %s", said, c.credentialsRemedy()))
}

// credentialsRemedy says what may be wrong with credentials that are refused.
func (c *Client) credentialsRemedy() string {
	if e := c.expiry(); e.Urgency(c.now()) == Expired {
		return e.Sentence(c.now())
	}
	switch {
	case c.cfg.ClientAuth.UsesSecret():
		return "SALLYPORT_OIDC_CLIENT_SECRET may have expired or been replaced, or SALLYPORT_OIDC_CLIENT_AUTH is not what the client is registered with"
	case c.cfg.ClientAuth.UsesTLS():
		return "the certificate of SALLYPORT_OIDC_CLIENT_CERT_FILE may have expired, or may not be the one that the provider knows, or SALLYPORT_OIDC_CLIENT_AUTH is not what the client is registered with"
	case c.cfg.ClientAuth.UsesKey():
		return "the public half of SALLYPORT_OIDC_CLIENT_KEY_FILE, or its certificate, may not be registered there or have expired, the clocks may differ, " +
			"or the provider wants another SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE or SALLYPORT_OIDC_CLIENT_KEY_ID"
	}
	return "SALLYPORT_OIDC_CLIENT_AUTH is not what the client is registered with"
}
