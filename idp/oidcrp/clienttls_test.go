package oidcrp

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
)

// mutualTLS serves the provider at a second address, where clients must have a
// certificate, and names it in the metadata. It returns the trust for that address.
func (h *hostile) mutualTLS(t *testing.T, endpoints ...string) *x509.CertPool {
	t.Helper()
	server := httptest.NewUnstartedServer(h.mux)
	server.EnableHTTP2 = true
	// It names an authority that did not issue ours, as servers do that look at
	// the certificate themselves.
	others := x509.NewCertPool()
	others.AppendCertsFromPEM(certificateOf(t, signingKeys()["ES512"], time.Now()))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, ClientCAs: others}
	server.StartTLS()
	t.Cleanup(server.Close)
	before := h.metadata
	h.metadata = func(m map[string]any) {
		if before != nil {
			before(m)
		}
		aliases := map[string]any{}
		for _, name := range endpoints {
			aliases[name] = server.URL + strings.TrimPrefix(m[name].(string), h.URL)
		}
		m["mtls_endpoint_aliases"] = aliases
	}
	trust := x509.NewCertPool()
	trust.AddCert(server.Certificate())
	return trust
}

// tlsKey is a key with a certificate of its own.
func tlsKey(t *testing.T, alg string) *ClientKey {
	t.Helper()
	return newTestKey(t, ClientKeyConfig{
		Key: secret.New(pemOf(t, signingKeys()[alg])), Certificate: certificateOf(t, signingKeys()[alg], time.Now().Add(time.Hour)),
	})
}

// RFC 8705: the certificate is the credential, at the aliases of the endpoints, and a
// new one is shown on connections of its own.
func TestMutualTLS(t *testing.T) {
	for _, auth := range []ClientAuth{TLSClientAuth, SelfSignedTLSClientAuth} {
		t.Run(string(auth), func(t *testing.T) {
			h := newHostile(t)
			h.offersPushing(true)
			trust := h.mutualTLS(t, pushEndpoint, "token_endpoint", "revocation_endpoint", "userinfo_endpoint")
			var current atomic.Pointer[ClientKey]
			current.Store(tlsKey(t, "RS256"))
			w := newWorld(t, h, func(c *Config) {
				c.ClientAuth, c.ClientKey, c.CA, c.Userinfo = auth, current.Load, trust, UserinfoAlways
			})
			w.signIn("/")
			if user := w.signedIn(); user != "alice" {
				t.Fatalf("signed in as %q; log:\n%s", user, w.log)
			}
			s, err := w.sessions.Peek(w.withCookies())
			must(t, err)
			w.client.revoke(t.Context(), w.client.provider.Load(), s.Grant)
			w.client.revoker.drain(10 * time.Second)
			calls := slices.Concat(h.got("/par"), h.got("/token"), h.got("/revoke"), h.got("/userinfo"))
			if len(calls) != 5 {
				t.Fatalf("%d requests at the aliases, want 5", len(calls))
			}
			for _, call := range calls {
				if call.certificate == nil || !call.certificate.Equal(current.Load().Certificate()) {
					t.Errorf("%s: the certificate is not shown", call.path)
				}
				if call.path != "/userinfo" && (call.form.Get("client_id") != testClient || call.authorization != "" || call.form.Has("client_assertion")) {
					t.Errorf("%s: client_id %q, and no other credential is wanted", call.path, call.form.Get("client_id"))
				}
			}

			current.Store(tlsKey(t, "ES256"))
			w.newBrowser()
			w.signIn("/")
			again := h.got("/token")
			if got := again[len(again)-1].certificate; got == nil || !got.Equal(current.Load().Certificate()) {
				t.Error("the new certificate is not shown")
			}
		})
	}
}

// The certificate is shown where it is asked for, and keys and metadata are fetched
// without it.
func TestMutualTLSOnlyAsClient(t *testing.T) {
	h := newHostile(t)
	trust := h.mutualTLS(t, "token_endpoint", "jwks_uri")
	key := tlsKey(t, "ES256")
	w := newWorld(t, h, func(c *Config) {
		c.ClientAuth, c.CA, c.ClientKey = TLSClientAuth, trust, func() *ClientKey { return key }
	})
	w.signIn("/")
	if w.signedIn() == "" {
		t.Fatalf("nobody is signed in; log:\n%s", w.log)
	}
	if m := w.client.provider.Load(); m.JWKSURI != h.URL+"/jwks" || m.RevocationEndpoint != h.URL+"/revoke" {
		t.Errorf("keys at %s, revocation at %s; want both where they are without mutual TLS", m.JWKSURI, m.RevocationEndpoint)
	}
}

func TestMutualTLSNeedsTLS(t *testing.T) {
	for name, tt := range map[string]struct {
		aliases any
		want    string
	}{
		"no aliases":              {nil, "only https://"},
		"an alias without TLS":    {map[string]any{"token_endpoint": "http://127.0.0.1/token"}, "only https://"},
		"aliases that are no map": {"https://idp.example.com", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			h.metadata = func(m map[string]any) {
				if tt.aliases != nil {
					m["mtls_endpoint_aliases"] = tt.aliases
				}
			}
			key := tlsKey(t, "ES256")
			w := prepareWorld(t, h, func(c *Config) { c.ClientAuth, c.ClientKey = TLSClientAuth, func() *ClientKey { return key } })
			if err := w.client.discover(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("discovery: %v; want an error that says %q", err, tt.want)
			}
		})
	}
}

// Who does not use the aliases does not mind what is in them.
func TestAliasesAreForMutualTLS(t *testing.T) {
	h := newHostile(t)
	h.metadata = func(m map[string]any) { m["mtls_endpoint_aliases"] = 5 }
	w := newWorld(t, h, nil)
	w.signIn("/")
	if w.signedIn() == "" {
		t.Errorf("nobody is signed in; log:\n%s", w.log)
	}
}

// A certificate that the provider does not take is a matter for the operator.
func TestCertificateRefused(t *testing.T) {
	h := newHostile(t)
	trust := h.mutualTLS(t, "token_endpoint")
	h.token = says(http.StatusUnauthorized, "application/json", `{"error":"invalid_client"}`)
	key := tlsKey(t, "ES256")
	w := newWorld(t, h, func(c *Config) {
		c.ClientAuth, c.CA, c.ClientKey = TLSClientAuth, trust, func() *ClientKey { return key }
	})
	w.wantFault(w.signIn("/"), fault.ClientRejected)
	if log := w.log.String(); !strings.Contains(log, "SALLYPORT_OIDC_CLIENT_CERT_FILE") {
		t.Errorf("the log does not name the variable:\n%s", log)
	}
}
