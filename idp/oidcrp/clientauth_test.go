package oidcrp

import (
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

func TestClientAuthentication(t *testing.T) {
	escaped := "Basic " + basic(url.QueryEscape(testClient), url.QueryEscape(testSecret))
	tests := []struct {
		auth       ClientAuth
		header     string
		formSecret string
		formID     string
	}{
		{ClientSecretBasic, escaped, "", ""},
		{ClientSecretBasicRaw, "Basic " + basic(testClient, testSecret), "", ""},
		{ClientSecretPost, "", testSecret, testClient},
		{PrivateKeyJWT, "", "", testClient},
		{ClientAuthNone, "", "", testClient},
	}
	for _, tt := range tests {
		t.Run(string(tt.auth), func(t *testing.T) {
			calls := everyCall(t, func(c *Config) { c.ClientAuth = tt.auth; useKey(t, "RS256")(c) })
			for _, call := range calls {
				if call.authorization != tt.header || call.form.Get("client_secret") != tt.formSecret || call.form.Get("client_id") != tt.formID {
					t.Errorf("%s: Authorization sent: %t, client_id %q, client_secret sent: %t", call.path, call.authorization != "", call.form.Get("client_id"), call.form.Has("client_secret"))
				}
				if call.form.Has("client_assertion") != (tt.auth == PrivateKeyJWT) {
					t.Errorf("%s: client_assertion sent: %t", call.path, call.form.Has("client_assertion"))
				}
			}
		})
	}
}

// useKey gives the client the test key of that algorithm.
func useKey(t *testing.T, alg string) func(*Config) {
	k := newTestKey(t, ClientKeyConfig{Key: secret.New(pemOf(t, signingKeys()[alg])), Alg: alg, ID: "c1"})
	return func(c *Config) { c.ClientKey = func() *ClientKey { return k } }
}

// everyCall signs in, refreshes and signs out, and returns the requests that
// authenticate the client: one for the code, one for the refresh, two revocations.
func everyCall(t *testing.T, change func(*Config)) []recorded {
	t.Helper()
	h := newHostile(t)
	w := newWorld(t, h, change)
	w.signIn("/")
	s, err := w.sessions.Peek(w.withCookies())
	if err != nil {
		t.Fatalf("nobody is signed in: %v; log:\n%s", err, w.log)
	}
	h.set(func() { h.claims = func(c map[string]any) { delete(c, "nonce") } })
	if _, err := w.client.Refresh(t.Context(), s); err != nil {
		t.Fatalf("refreshing: %v", err)
	}
	w.client.revoke(t.Context(), w.client.provider.Load(), session.Grant{RefreshToken: secret.New("rt"), AccessToken: secret.New("at")})
	w.client.revoker.drain(10 * time.Second)
	calls := append(h.got("/token"), h.got("/revoke")...)
	if len(calls) != 4 {
		t.Fatalf("%d authenticated requests, want 4; log:\n%s", len(calls), w.log)
	}
	return calls
}

// assertionOf verifies a client assertion and returns its header and claims.
func assertionOf(t *testing.T, form url.Values, alg string) (jose.Header, map[string]any) {
	t.Helper()
	if got := form.Get("client_assertion_type"); got != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		t.Errorf("client_assertion_type = %q", got)
	}
	jws, err := jose.ParseSignedCompact(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	must(t, err)
	payload, err := jws.Verify(signingKeys()[alg].(crypto.Signer).Public())
	if err != nil {
		t.Fatalf("the assertion's signature: %v", err)
	}
	var claims map[string]any
	must(t, json.Unmarshal(payload, &claims))
	return jws.Signatures[0].Protected, claims
}

func TestPrivateKeyJWT(t *testing.T) {
	for _, alg := range signingAlgs {
		t.Run(alg, func(t *testing.T) {
			used := map[any]bool{}
			var issuer string
			calls := everyCall(t, func(c *Config) { c.ClientAuth = PrivateKeyJWT; issuer = c.Issuer; useKey(t, alg)(c) })
			for _, call := range calls {
				header, claims := assertionOf(t, call.form, alg)
				if header.KeyID != "c1" || header.ExtraHeaders["typ"] != "JWT" || header.ExtraHeaders["x5t"] != nil {
					t.Errorf("header %v", header)
				}
				if claims["iss"] != testClient || claims["sub"] != testClient || claims["aud"] != issuer {
					t.Errorf("OF-14 iss %v, sub %v, aud %v; want the client twice and the issuer alone", claims["iss"], claims["sub"], claims["aud"])
				}
				issued, expires := claims["iat"].(float64), claims["exp"].(float64)
				if life := expires - issued; life <= 0 || life > 60 || time.Since(time.Unix(int64(issued), 0)) > time.Minute {
					t.Errorf("issued at %v, good for %v s; want now and at most 60", issued, life)
				}
				if id := claims["jti"]; id == "" || used[id] {
					t.Errorf("the jti %v is empty or used twice", id)
				}
				used[claims["jti"]] = true
			}
		})
	}
}

// OF-14: metadata that name another provider's token endpoint get an assertion that
// is no good there, unless the operator wants it made out to the endpoint.
func TestAssertionAudience(t *testing.T) {
	for _, tt := range []struct {
		audience AssertionAudience
		want     func(issuer, address string) string
	}{
		{"", func(issuer, _ string) string { return issuer }},
		{AudienceIssuer, func(issuer, _ string) string { return issuer }},
		{AudienceEndpoint, func(_, address string) string { return address }},
	} {
		t.Run("OF-14 "+string(tt.audience), func(t *testing.T) {
			var issuer string
			calls := everyCall(t, func(c *Config) {
				c.ClientAuth, c.AssertionAudience, issuer = PrivateKeyJWT, tt.audience, c.Issuer
				useKey(t, "ES256")(c)
			})
			for _, call := range calls {
				_, claims := assertionOf(t, call.form, "ES256")
				if want := tt.want(issuer, issuer+call.path); claims["aud"] != want {
					t.Errorf("aud = %v, want %q", claims["aud"], want)
				}
			}
		})
	}
}

// Entra ID and AD FS find the key by its certificate.
func TestAssertionNamesTheCertificate(t *testing.T) {
	chain := append(certificateOf(t, signingKeys()["RS256"], time.Now()), certificateOf(t, signingKeys()["ES256"], time.Now())...)
	k := newTestKey(t, ClientKeyConfig{Key: secret.New(pemOf(t, signingKeys()["RS256"])), Certificate: chain})
	signed, err := k.assertion(testClient, "https://idp.example.com", time.Now())
	must(t, err)
	header, _ := assertionOf(t, url.Values{"client_assertion": {signed}, "client_assertion_type": {assertionType}}, "RS256")
	leaf, _ := pem.Decode(chain)
	one, two := sha1.Sum(leaf.Bytes), sha256.Sum256(leaf.Bytes)
	if got := header.ExtraHeaders["x5t"]; got != base64.RawURLEncoding.EncodeToString(one[:]) {
		t.Errorf("x5t = %v", got)
	}
	if got := header.ExtraHeaders["x5t#S256"]; got != base64.RawURLEncoding.EncodeToString(two[:]) {
		t.Errorf("x5t#S256 = %v", got)
	}
	if header.KeyID != "" {
		t.Errorf("kid = %q without a configured one", header.KeyID)
	}
}

// A file that changes is used from the next sign-in on.
func TestCredentialsMayChange(t *testing.T) {
	t.Run("secret", func(t *testing.T) {
		var current atomic.Pointer[string]
		first, second := "first", "second"
		current.Store(&first)
		h := newHostile(t)
		w := newWorld(t, h, func(c *Config) { c.ClientSecret = func() secret.Text { return secret.New(*current.Load()) } })
		w.signIn("/")
		current.Store(&second)
		w.newBrowser()
		w.signIn("/")
		calls := h.got("/token")
		if got := calls[len(calls)-1].authorization; got != "Basic "+basic(testClient, "second") {
			t.Errorf("the last token request does not use the new secret")
		}
	})
	t.Run("key", func(t *testing.T) {
		var current atomic.Pointer[ClientKey]
		current.Store(newTestKey(t, ClientKeyConfig{Key: secret.New(pemOf(t, signingKeys()["RS256"]))}))
		h := newHostile(t)
		w := newWorld(t, h, func(c *Config) { c.ClientAuth, c.ClientKey = PrivateKeyJWT, current.Load })
		w.signIn("/")
		current.Store(newTestKey(t, ClientKeyConfig{Key: secret.New(pemOf(t, signingKeys()["ES512"]))}))
		w.newBrowser()
		w.signIn("/")
		calls := h.got("/token")
		assertionOf(t, calls[0].form, "RS256")
		assertionOf(t, calls[len(calls)-1].form, "ES512")
	})
}

// The log repeats what the provider says, and never our assertion.
func TestAssertionIsConcealed(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, func(c *Config) { c.ClientAuth = PrivateKeyJWT; useKey(t, "ES256")(c) })
	h.token = says(401, "application/json", "")
	w.signIn("/")
	sent := h.got("/token")[0].form
	body := encodeTestJSON(map[string]any{"error": "invalid_client", "error_description": "bad assertion " + sent.Get("client_assertion")})
	if o, err := parseObject(w.client.conceal(body, secretsOf(sent)...)); err != nil || o["error_description"] == nil || string(o["error_description"]) != `"bad assertion [concealed]"` {
		t.Errorf("concealed: %s, %v", o["error_description"], err)
	}
}
