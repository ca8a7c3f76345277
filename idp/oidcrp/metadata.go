package oidcrp

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// metadata is what we use of the provider's metadata (OpenID Connect Discovery
// 1.0 §3, OpenID Connect RP-Initiated Logout 1.0 §2.1, RFC 8414 §2, RFC 8705 §5,
// RFC 9126 §5, RFC 9207 §3). It is immutable once discovery has published it.
type metadata struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	JWKSURI               string `json:"jwks_uri"`
	UserinfoEndpoint      string `json:"userinfo_endpoint"`
	EndSessionEndpoint    string `json:"end_session_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"`
	PushEndpoint          string `json:"pushed_authorization_request_endpoint"` // "" = requests are not pushed
	PushRequired          bool   `json:"require_pushed_authorization_requests"`
	// MTLSAliases are other addresses of some of the endpoints.
	MTLSAliases json.RawMessage `json:"mtls_endpoint_aliases"`
	// IssSupported promises an iss in every authorization response.
	IssSupported bool `json:"authorization_response_iss_parameter_supported"`
}

// check returns an error when a sign-in cannot work with m. An endpoint that a
// sign-in can do without is taken out of m, with a warning, when its address is
// not one that tokens may be sent to.
func (m *metadata) check(log *slog.Logger) error {
	issuer, err := url.Parse(m.Issuer)
	if err != nil {
		return fmt.Errorf("the issuer is not a URL: %w", err)
	}
	plain := issuer.Scheme == "http"
	var faults []error
	needed := []struct{ name, address string }{
		{"authorization_endpoint", m.AuthorizationEndpoint},
		{"token_endpoint", m.TokenEndpoint},
		{"jwks_uri", m.JWKSURI},
		{pushEndpoint, m.PushEndpoint},
	}
	if m.PushEndpoint == "" {
		needed = needed[:len(needed)-1] // forPushing has seen to it
	}
	for _, e := range needed {
		if err := checkEndpoint(e.address, plain); err != nil {
			faults = append(faults, fmt.Errorf("the provider's metadata: %s %w", e.name, err))
		}
	}
	for name, address := range map[string]*string{
		"userinfo_endpoint": &m.UserinfoEndpoint, "end_session_endpoint": &m.EndSessionEndpoint, "revocation_endpoint": &m.RevocationEndpoint,
	} {
		if *address == "" {
			continue
		}
		if err := checkEndpoint(*address, plain); err != nil {
			log.Warn("an endpoint of the provider is not used", "endpoint", name, "cause", err)
			*address = ""
		}
	}
	return errors.Join(faults...)
}

// forMutualTLS puts the addresses for mutual TLS in the place of the others (RFC 8705
// §5). Without TLS there is no client authentication by it.
func (m *metadata) forMutualTLS() error {
	if len(m.MTLSAliases) > 0 {
		var aliases struct {
			Token      string `json:"token_endpoint"`
			Revocation string `json:"revocation_endpoint"`
			Userinfo   string `json:"userinfo_endpoint"`
			Push       string `json:"pushed_authorization_request_endpoint"`
		}
		if err := json.Unmarshal(m.MTLSAliases, &aliases); err != nil {
			return errors.New("the mtls_endpoint_aliases of the provider's metadata cannot be read")
		}
		m.TokenEndpoint = cmp.Or(aliases.Token, m.TokenEndpoint)
		m.RevocationEndpoint = cmp.Or(aliases.Revocation, m.RevocationEndpoint)
		m.UserinfoEndpoint = cmp.Or(aliases.Userinfo, m.UserinfoEndpoint)
		m.PushEndpoint = cmp.Or(aliases.Push, m.PushEndpoint)
	}
	if !strings.HasPrefix(m.TokenEndpoint, "https://") {
		return fmt.Errorf("the provider's token endpoint is %q, and only https:// shows it our certificate (SALLYPORT_OIDC_CLIENT_AUTH)", loggable(m.TokenEndpoint))
	}
	return nil
}

// checkEndpoint wants an absolute https URL; http only where the issuer is, too.
func checkEndpoint(address string, plain bool) error {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return errors.New("is missing; check that SALLYPORT_OIDC_ISSUER is an OpenID provider")
	case err != nil, u.Host == "", u.User != nil, u.Fragment != "":
		return fmt.Errorf("is %q, not a plain absolute URL", loggable(address))
	case u.Scheme != "https" && (u.Scheme != "http" || !plain):
		return fmt.Errorf("is %q; it must be https, because the issuer is", loggable(address))
	}
	return nil
}

// movedFrom returns an error when m names a host that old does not. Metadata that
// lead somewhere else after the start may be a mistake or an attack; people and
// the client secret are not sent there.
func (m *metadata) movedFrom(old *metadata) error {
	known := map[string]bool{}
	for _, address := range old.addresses() {
		known[hostPort(address)] = true
	}
	for _, address := range m.addresses() {
		if !known[hostPort(address)] {
			return fmt.Errorf("the provider's metadata now name the host %q, which they did not when this process started; the old ones stay in use. Restart to accept the new ones", hostPort(address))
		}
	}
	return nil
}

func (m *metadata) addresses() []string {
	var list []string
	for _, a := range []string{m.AuthorizationEndpoint, m.TokenEndpoint, m.JWKSURI, m.UserinfoEndpoint, m.EndSessionEndpoint, m.RevocationEndpoint, m.PushEndpoint} {
		if a != "" {
			list = append(list, a)
		}
	}
	return list
}

func hostPort(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
