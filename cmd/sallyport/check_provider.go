package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

// maxProviderAnswer bounds what the doctor reads of one answer, in bytes.
const maxProviderAnswer = 1 << 20

// maxSkew is what ID tokens are allowed; from half of it on the doctor warns.
const maxSkew = 60 * time.Second

// providerMetadata are the fields of OpenID Connect Discovery 1.0 §3 that the
// doctor looks at.
type providerMetadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Userinfo      string   `json:"userinfo_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	EndSession    string   `json:"end_session_endpoint"`
	Revocation    string   `json:"revocation_endpoint"`
	Push          string   `json:"pushed_authorization_request_endpoint"`
	PushRequired  bool     `json:"require_pushed_authorization_requests"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Aliases       struct {
		Token string `json:"token_endpoint"`
	} `json:"mtls_endpoint_aliases"`
	Challenges  []string `json:"code_challenge_methods_supported"`
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgs    []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	Scopes      []string `json:"scopes_supported"`
	GrantTypes  []string `json:"grant_types_supported"`
}

// providerProbe asks one provider.
type providerProbe struct {
	provider *provider
	client   *http.Client
	now      func() time.Time
	found    *findings
}

func checkProvider(ctx context.Context, configured *provider, now func() time.Time, f *findings) {
	p := &providerProbe{provider: configured, now: now, found: f, client: &http.Client{
		Timeout: configured.OIDC.Timeout,
		Transport: &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			TLSClientConfig:   &tls.Config{RootCAs: configured.idpCA},
			ForceAttemptHTTP2: true,
			DisableKeepAlives: true,
		},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			return fmt.Errorf("it redirects to %s, and redirects are refused", r.URL)
		},
	}}
	m, ok := p.discover(ctx)
	if !ok {
		return
	}
	p.issuer(m)
	p.endpoints(m)
	p.capabilities(m)
	p.keys(ctx, m)
	p.binding(m)
}

// discover fetches the metadata and, with them, the provider's clock.
func (p *providerProbe) discover(ctx context.Context) (providerMetadata, bool) {
	const probe = "discovery"
	variable, address := "SALLYPORT_OIDC_DISCOVERY_URL", p.provider.OIDC.DiscoveryURL
	if address == "" {
		variable = "SALLYPORT_OIDC_ISSUER"
		address = strings.TrimSuffix(p.provider.OIDC.Issuer, "/") + wellKnown
	}
	var m providerMetadata
	date, err := p.get(ctx, address, &m)
	if err != nil {
		p.found.fail(probe, variable, "%s: %v", address, err)
		return m, false
	}
	p.found.ok(probe, "%s", address)
	p.clock(date)
	return m, true
}

// get fetches JSON into v and returns the Date field.
func (p *providerProbe) get(ctx context.Context, address string, v any) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("making the request: %w", err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // the address is already in the message
		}
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the answer is %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProviderAnswer+1))
	if err != nil {
		return "", fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxProviderAnswer {
		return "", fmt.Errorf("the answer has more than %d bytes", maxProviderAnswer)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return "", errors.New("the answer is not the JSON that was expected")
	}
	return resp.Header.Get("Date"), nil
}

// clock compares the provider's clock with ours; its Date has whole seconds.
func (p *providerProbe) clock(date string) {
	const probe = "clock"
	theirs, err := http.ParseTime(date)
	if err != nil {
		// Keycloak sends none, and nobody can change that.
		p.found.ok(probe, "cannot be compared: the provider's answers have no Date; keep this machine's clock synchronised (NTP)")
		return
	}
	skew := p.now().Sub(theirs).Round(time.Second)
	switch {
	case skew.Abs() > maxSkew:
		p.found.fail(probe, "", "this machine's clock differs from the provider's by %s, more than the %s that tokens are allowed; synchronise it (NTP)", skew, maxSkew)
	case skew.Abs() > maxSkew/2:
		p.found.warn(probe, "", "this machine's clock differs from the provider's by %s; synchronise it (NTP)", skew)
	default:
		p.found.ok(probe, "differs from the provider's by %s", skew)
	}
}

func (p *providerProbe) issuer(m providerMetadata) {
	const probe = "issuer"
	if err := oidcrp.CheckIssuer(p.provider.OIDC.Issuer, m.Issuer, p.provider.preset.Remedies.Issuer); err != nil {
		p.found.fail(probe, issuerVariable, "%v", err)
		return
	}
	if end := p.provider.preset.IssuerEnd; !strings.HasSuffix(m.Issuer, end) {
		p.found.warn(probe, issuerVariable, "%s does not end with %s: the preset %s expects an issuer such as %s, %s", m.Issuer, end, p.provider.preset.Name, p.provider.preset.IssuerForm, p.provider.preset.Remedies.Issuer)
		return
	}
	p.found.ok(probe, "%s", m.Issuer)
}

// endpoints looks whether everything a sign-in needs is there, and secure.
func (p *providerProbe) endpoints(m providerMetadata) {
	const probe = "endpoints"
	good := true
	for _, e := range []struct {
		name, address string
		required      bool
	}{
		{"authorization_endpoint", m.Authorization, true},
		{"token_endpoint", m.Token, true},
		{"jwks_uri", m.JWKS, true},
		{"userinfo_endpoint", m.Userinfo, p.provider.OIDC.Userinfo == "always"},
		{"end_session_endpoint", m.EndSession, false},
		{"revocation_endpoint", m.Revocation, false},
		{pushEndpoint, m.Push, false},
	} {
		if e.address == "" {
			if e.required {
				p.found.fail(probe, "SALLYPORT_OIDC_DISCOVERY_URL", "the metadata have no %s; check that this is the metadata of an OpenID provider", e.name)
				good = false
			}
			continue
		}
		u, err := parseHTTPURL(e.address)
		if err != nil || u.Scheme == "http" && !isLoopback(u.Hostname()) && !p.provider.site.Network.InsecureHTTP {
			p.found.fail(probe, "SALLYPORT_OIDC_ISSUER", "%s is %q, not an https:// URL", e.name, e.address)
			good = false
		}
	}
	if good {
		p.found.ok(probe, "authorization, token and keys are there")
	}
}

// capabilities holds what the metadata promise against the configuration. What
// they do not mention has the defaults of OpenID Connect Discovery 1.0 §3.
func (p *providerProbe) capabilities(m providerMetadata) {
	o := p.provider.OIDC
	p.clientAuth(m)
	p.pushing(m)
	if len(m.Challenges) > 0 && !slices.Contains(m.Challenges, "S256") {
		p.found.warn("pkce", "", "the provider does not list S256; it is sent all the same")
	} else if len(m.Challenges) > 0 {
		p.found.ok("pkce", "S256")
	}
	for _, scope := range o.Scopes {
		// What a preset asks for is known to work.
		if !p.provider.FromPreset["SALLYPORT_OIDC_SCOPES"] && len(m.Scopes) > 0 && !slices.Contains(m.Scopes, scope) {
			p.found.warn("scopes", "SALLYPORT_OIDC_SCOPES", "%s is asked for and the provider does not list it", scope)
		}
	}
}

// keys looks whether some key can verify an ID token.
func (p *providerProbe) keys(ctx context.Context, m providerMetadata) {
	const probe = "keys"
	if m.JWKS == "" {
		return // said already
	}
	if len(m.Algorithms) > 0 && !overlap(m.Algorithms, p.provider.OIDC.SigningAlgs) {
		p.found.fail(probe, "SALLYPORT_OIDC_SIGNING_ALGS", "the provider signs with %s and %s are accepted%s", strings.Join(m.Algorithms, ", "), strings.Join(p.provider.OIDC.SigningAlgs, ", "), p.signingRemedy())
	}
	var set json.RawMessage
	if _, err := p.get(ctx, m.JWKS, &set); err != nil {
		p.found.fail(probe, "SALLYPORT_OIDC_ISSUER", "%s: %v", m.JWKS, err)
		return
	}
	usable, unusable, err := oidcrp.ReadKeys(set, p.provider.OIDC.SigningAlgs)
	switch {
	case err != nil:
		p.found.fail(probe, "SALLYPORT_OIDC_ISSUER", "%s: %v%s", m.JWKS, err, p.signingRemedy())
	case usable == 0 && len(unusable) == 0:
		p.found.fail(probe, "SALLYPORT_OIDC_ISSUER", "there are no keys at %s%s", m.JWKS, p.signingRemedy())
	case usable == 0:
		p.found.fail(probe, "SALLYPORT_OIDC_SIGNING_ALGS", "none of the %d keys at %s can verify an accepted signature; %v%s", len(unusable), m.JWKS, unusable[0], p.signingRemedy())
	default:
		p.found.ok(probe, "%d of %d keys can verify ID tokens", usable, usable+len(unusable))
	}
}

// signingRemedy is what to do at the provider about how it signs, as the end of a
// sentence; "" = nothing is known.
func (p *providerProbe) signingRemedy() string {
	if remedy := p.provider.preset.Remedies.SigningAlg; remedy != "" {
		return "; " + remedy
	}
	return ""
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// binding says how far sessions can follow the provider's own. What its refresh
// tokens are like is not in the metadata: a running process learns it from the
// first sign-in.
func (p *providerProbe) binding(m providerMetadata) {
	const probe, required = "binding", "SALLYPORT_SESSION_BINDING"
	refreshes := len(m.GrantTypes) == 0 || slices.Contains(m.GrantTypes, "refresh_token")
	wanted := p.provider.site.Session.Binding
	switch {
	case !p.provider.signsOut(m.EndSession):
		if wanted == bindingIdP {
			p.found.fail(probe, required, "idp is set and the provider offers no sign-out, so that nobody could sign in; use auto, or set SALLYPORT_OIDC_LOGOUT_URL")
			return
		}
		p.found.warn(probe, "SALLYPORT_OIDC_LOGOUT_URL", "degraded: the provider offers no sign-out, so that signing out here leaves its own session; if it has a sign-out address of its own, set it")
	case wanted == bindingIndependent:
		p.found.ok(probe, "not_bound: independent is set; signing out here signs out at the provider, and a session here does not end when the one there does")
	case !refreshes && wanted == bindingIdP:
		p.found.fail(probe, required, "idp is set and the provider gives no refresh tokens, so that nobody could sign in; use auto")
	case !refreshes:
		p.found.ok(probe, "not_bound: the provider gives no refresh tokens; signing out here signs out at the provider, and a session here does not end when the one there does")
	case p.provider.OIDC.RefreshBound == "no":
		p.found.ok(probe, "not_bound: signing out here signs out at the provider; its refresh tokens, if it gives any, outlive the person's session there, so that a session here does not end when the one there does")
	case slices.Contains(p.provider.OIDC.Scopes, "offline_access") && p.provider.OIDC.RefreshBound != "yes":
		p.found.warn(probe, "SALLYPORT_OIDC_SCOPES", "not_bound: offline_access asks for refresh tokens that outlive the provider's session; take it out if sessions should end with it")
	default:
		p.found.ok(probe, "full, if the provider gives this client refresh tokens, else not_bound; the first sign-in shows it (sallyport_idp_info, GET %s)", p.provider.site.path("/session"))
	}
}
