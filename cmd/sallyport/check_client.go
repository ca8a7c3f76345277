package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

// clientAuth holds the way in which this client authenticates against what the
// metadata list.
func (p *providerProbe) clientAuth(m providerMetadata) {
	const probe = "client auth"
	auth := oidcrp.ClientAuth(p.provider.OIDC.ClientAuth)
	methods := m.AuthMethods
	if len(methods) == 0 {
		methods = []string{string(oidcrp.ClientSecretBasic)}
	}
	key := p.provider.clientKey
	switch {
	case !slices.Contains(methods, auth.Registered()):
		p.found.warn(probe, clientAuthVariable, "%s is set and the provider lists %s", auth, strings.Join(methods, ", "))
	case auth == oidcrp.PrivateKeyJWT && len(m.AuthAlgs) > 0 && !slices.Contains(m.AuthAlgs, key.Alg()):
		p.found.fail(probe, clientKeyAlgVariable, "assertions are signed with %s and the provider accepts %s; change the algorithm, or the key", key.Alg(), strings.Join(m.AuthAlgs, ", "))
	case auth.UsesTLS() && !strings.HasPrefix(cmp.Or(m.Aliases.Token, m.Token), "https://"):
		p.found.fail(probe, clientAuthVariable, "%s is set and the token endpoint is not https://, so that no certificate can be shown there", auth)
	case auth.UsesTLS():
		p.found.ok(probe, "%s, at %s", auth, cmp.Or(m.Aliases.Token, m.Token))
	case auth == oidcrp.PrivateKeyJWT:
		p.found.ok(probe, "%s, %s, made out to the %s", auth, key.Alg(), p.provider.OIDC.AssertionAudience)
	default:
		p.found.ok(probe, "%s", auth)
	}
}

// checkExpiry says when the client's credential ends.
func checkExpiry(p *provider, now time.Time, f *findings) {
	const probe = "client expiry"
	e := oidcrp.ExpiryOf(oidcrp.ClientAuth(p.OIDC.ClientAuth), p.OIDC.expires(), p.clientKey)
	sentence := e.Sentence(now)
	switch urgency := e.Urgency(now); {
	case sentence == "":
	case urgency == oidcrp.Distant:
		f.ok(probe, "%s", sentence)
	case urgency == oidcrp.Expired:
		f.fail(probe, e.Variable, "%s", sentence)
	default:
		f.warn(probe, e.Variable, "%s", sentence)
	}
}

// pushEndpoint is the endpoint for pushed requests (RFC 9126 §5) in the metadata.
const pushEndpoint = "pushed_authorization_request_endpoint"

// pushing says whether authorization requests are sent to the provider directly.
func (p *providerProbe) pushing(m providerMetadata) {
	const probe, name = "pushed requests", "SALLYPORT_OIDC_PAR"
	always := p.provider.Request.PAR == string(oidcrp.PushedAlways)
	switch {
	case !always && !m.PushRequired:
	case m.Push != "":
		p.found.ok(probe, "at %s", m.Push)
	case m.PushRequired:
		p.found.fail(probe, "SALLYPORT_OIDC_DISCOVERY_URL", "the metadata require them and have no %s; check that this is the metadata of an OpenID provider", pushEndpoint)
	default:
		p.found.fail(probe, name, "always is set and the metadata have no %s; use auto", pushEndpoint)
	}
}
