package oidcrp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
)

func TestAccessTokenHash(t *testing.T) {
	tests := []struct {
		name string
		hash any
		want fault.Code
	}{
		{"right", leftHash(testAccessToken), ""},
		{"of another token", leftHash("another"), fault.IDTokenInvalid},
		{"empty", "", fault.IDTokenInvalid},
		{"not a string", 5, fault.IDTokenInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tryClaims(t, map[string]any{"at_hash": tt.hash}, nil, tt.want)
		})
	}
}

// tryClaims signs in with changed claims; a nil value removes one. want "" means
// that the sign-in succeeds.
func tryClaims(t *testing.T, changes map[string]any, cfg func(*Config), want fault.Code) *world {
	t.Helper()
	h := newHostile(t)
	h.claims = func(c map[string]any) {
		for name, v := range with(c, changes) {
			c[name] = v
		}
		for name, v := range changes {
			if v == nil {
				delete(c, name)
			}
		}
	}
	w := newWorld(t, h, cfg)
	res := w.signIn("/")
	if want != "" {
		w.wantFault(res, want)
	} else if w.signedIn() == "" {
		t.Errorf("refused with %q, want a session; log:\n%s", res.Header.Get("Sallyport-Error"), w.log)
	}
	return w
}

// in is a claim: the time that much after the token is made. A table may be older than that.
type in time.Duration

// MarshalJSON implements json.Marshaler.
func (d in) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, time.Now().Add(time.Duration(d)).Unix(), 10), nil
}

func TestIDTokenClaims(t *testing.T) {
	const invalid, skewed = fault.IDTokenInvalid, fault.ClockSkew
	tests := []struct {
		name    string
		changes map[string]any
		want    fault.Code
	}{
		{"OT-10 another issuer", map[string]any{"iss": "https://evil.example"}, invalid},
		{"OT-10 no issuer", map[string]any{"iss": nil}, invalid},
		{"OT-27 issuer of another tenant", map[string]any{"iss": "https://login.example/tenant-2/v2.0"}, invalid},
		{"OT-14 another audience", map[string]any{"aud": "other"}, invalid},
		{"OT-14 no audience", map[string]any{"aud": nil}, invalid},
		{"OT-14 empty audience", map[string]any{"aud": []string{}}, invalid},
		{"OT-14 audience list without us", map[string]any{"aud": []string{"other"}}, invalid},
		{"OT-14 audience is a number", map[string]any{"aud": 5}, invalid},
		{"OT-14 audience list with a number", map[string]any{"aud": []any{testClient, 5}}, invalid},
		{"audience list of us alone", map[string]any{"aud": []string{testClient}}, ""},
		{"OT-16 further audience without azp", map[string]any{"aud": []string{testClient, "other"}}, invalid},
		{"OT-16 further audience, azp of another", map[string]any{"aud": []string{testClient, "other"}, "azp": "other"}, invalid},
		{"OT-16 azp of another", map[string]any{"azp": "other"}, invalid},
		{"OT-16 azp is a number", map[string]any{"azp": 5}, invalid},
		{"further audience, issued to us", map[string]any{"aud": []string{testClient, "other"}, "azp": testClient}, ""},
		{"OT-17 expired a second ago", map[string]any{"exp": in(-time.Second)}, ""},
		{"OT-17 expired beyond the skew", map[string]any{"exp": in(-62 * time.Second)}, skewed},
		{"OT-17 no expiry", map[string]any{"exp": nil}, invalid},
		{"OT-17 expiry is a string", map[string]any{"exp": "9999999999"}, invalid},
		{"OT-17 expiry beyond all bounds", map[string]any{"exp": 1e300}, ""},
		{"OT-17 negative expiry", map[string]any{"exp": -1}, skewed},
		{"OT-17 fractional expiry", map[string]any{"exp": float64(time.Now().Add(time.Hour).Unix()) + 0.5}, ""},
		{"OT-18 issued in 30 s", map[string]any{"iat": in(30 * time.Second)}, ""},
		{"OT-18 issued in ten minutes", map[string]any{"iat": in(10 * time.Minute)}, skewed},
		{"OT-18 issued ten years ago", map[string]any{"iat": in(-10 * 365 * 24 * time.Hour)}, skewed},
		{"OT-18 no iat", map[string]any{"iat": nil}, invalid},
		{"OT-18 valid in 30 s", map[string]any{"nbf": in(30 * time.Second)}, ""},
		{"OT-18 valid in ten minutes", map[string]any{"nbf": in(10 * time.Minute)}, skewed},
		{"OT-18 nbf is a string", map[string]any{"nbf": "now"}, invalid},
		{"OP-14 issued in the year 2^53", map[string]any{"iat": int64(1) << 53}, skewed},
		{"OT-19 no sub", map[string]any{"sub": nil}, invalid},
		{"OT-19 empty sub", map[string]any{"sub": ""}, invalid},
		{"OT-19 sub is a number", map[string]any{"sub": 7}, invalid},
		{"OT-19 sub of 10 kB", map[string]any{"sub": strings.Repeat("a", 10<<10)}, invalid},
		{"OT-19 sub of 255 bytes", map[string]any{"sub": strings.Repeat("a", 255)}, ""},
		{"OT-19 sub with NUL", map[string]any{"sub": "al\x00ice"}, invalid},
		{"OT-19 sub with a line break", map[string]any{"sub": "al\nice"}, invalid},
		{"OT-19 sub that is not ASCII", map[string]any{"sub": "älice"}, ""},
		{"OF-09 no nonce", map[string]any{"nonce": nil}, invalid},
		{"OF-09 another nonce", map[string]any{"nonce": "xyz"}, invalid},
		{"OF-09 nonce is a number", map[string]any{"nonce": 1}, invalid},
		{"OT-24 sub in another spelling only", map[string]any{"sub": nil, "SUB": "mallory", "ſub": "mallory"}, invalid},
		{"auth_time is a string", map[string]any{"auth_time": "x"}, invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tryClaims(t, tt.changes, nil, tt.want) })
	}
}

func TestWhatIsAskedForIsEnforced(t *testing.T) {
	hour := time.Hour
	acr := func(c *Config) { c.ACRValues = []string{"mfa"} }
	age := func(c *Config) { c.MaxAge = &hour }
	asked := func(c *Config) { c.Prompt = []string{"consent", "login"} }
	tests := []struct {
		name    string
		changes map[string]any
		cfg     func(*Config)
		want    fault.Code
	}{
		{"acr as asked for", map[string]any{"acr": "mfa"}, acr, ""},
		{"another acr", map[string]any{"acr": "password"}, acr, fault.IDTokenInvalid},
		{"no acr", nil, acr, fault.IDTokenInvalid},
		{"fresh enough", map[string]any{"auth_time": in(-30 * time.Minute)}, age, ""},
		{"too old", map[string]any{"auth_time": in(-2 * time.Hour)}, age, fault.IDTokenInvalid},
		{"no auth_time", nil, age, fault.IDTokenInvalid},
		{"asked again", map[string]any{"auth_time": in(0)}, asked, ""},
		{"asked again by a clock behind ours", map[string]any{"auth_time": in(-50 * time.Second)}, asked, ""},
		{"not asked again", map[string]any{"auth_time": in(-2 * time.Minute)}, asked, fault.IDTokenInvalid},
		{"asked, and no word of when", nil, asked, ""},
		{"not asked, and nobody wanted it", map[string]any{"auth_time": in(-2 * time.Hour)}, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tryClaims(t, tt.changes, tt.cfg, tt.want) })
	}
}

// tryToken signs in with an ID token made by hand.
func tryToken(t *testing.T, make func(h *hostile, claims map[string]any) any) *world {
	t.Helper()
	h := newHostile(t)
	h.idToken = func(claims map[string]any) any { return make(h, claims) }
	w := newWorld(t, h, nil)
	w.wantFault(w.signIn("/"), fault.IDTokenInvalid)
	return w
}

func header(alg string, more map[string]any) map[string]any {
	return with(map[string]any{"alg": alg, "kid": "k1", "typ": "JWT"}, more)
}

func TestForgedIDTokens(t *testing.T) {
	rsaKey, p384 := signingKeys()["RS256"], signingKeys()["ES384"]
	public, err := x509.MarshalPKIXPublicKey(rsaKey.(*rsa.PrivateKey).Public())
	must(t, err)
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	otherRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	otherEC, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)

	signed := func(header map[string]any, key any) func(*hostile, map[string]any) any {
		return func(_ *hostile, claims map[string]any) any { return signRaw(header, key, claims) }
	}
	tests := map[string]func(*hostile, map[string]any) any{
		"OT-02 none":                            signed(header("none", nil), nil),
		"OT-02 None":                            signed(header("None", nil), nil),
		"OT-02 HS256 with the public key's PEM": signed(header("HS256", nil), publicPEM),
		"OT-02 HS256 with the public key's DER": signed(header("HS256", nil), public),
		"OT-02 HS256 with the client secret":    signed(header("HS256", nil), []byte(testSecret)),
		"P12 ES256K":                            signed(header("ES256K", nil), otherEC),
		"P12 RS256 made by an EC key":           signed(header("RS256", nil), otherEC),
		"P12 ES256 made by a P-384 key":         signed(header("ES256", nil), p384),
		"EdDSA":                                 signed(header("EdDSA", nil), rsaKey),
		"another key under the same kid":        signed(header("RS256", nil), otherRSA),
		"no signature":                          signed(header("RS256", nil), nil),
		"OT-03 crit":                            signed(header("RS256", map[string]any{"crit": []string{"exp2"}, "exp2": 1}), rsaKey),
		"OT-03 b64":                             signed(header("RS256", map[string]any{"b64": false, "crit": []string{"b64"}}), rsaKey),
		"OT-03 zip":                             signed(header("RS256", map[string]any{"zip": "DEF"}), rsaKey),
		"OT-03 an access token":                 signed(header("RS256", map[string]any{"typ": "at+jwt"}), rsaKey),
		"OT-26 a logout token":                  signed(header("RS256", map[string]any{"typ": "logout+jwt"}), rsaKey),
		"OT-03 typ is a number":                 signed(header("RS256", map[string]any{"typ": 1}), rsaKey),
		"a kid that is no string":               signed(header("RS256", map[string]any{"kid": 1}), rsaKey),
		"a key in the header":                   signed(header("RS256", map[string]any{"kid": "k2", "jwk": map[string]any{"kty": "oct", "k": "AAAA"}}), otherRSA),
		"OT-26 the access token":                func(*hostile, map[string]any) any { return testAccessToken },
		"OT-22 a megabyte of dots":              func(*hostile, map[string]any) any { return strings.Repeat(".", 1<<19) },
		"OT-22 five segments":                   func(*hostile, map[string]any) any { return "a.b.c.d.e" },
		"OT-22 two dots":                        func(*hostile, map[string]any) any { return ".." },
		"OT-22 65 KiB":                          func(*hostile, map[string]any) any { return "e30." + strings.Repeat("A", 65<<10) + ".AAAA" },
		"OT-03 alg twice": func(_ *hostile, claims map[string]any) any {
			return signBytes([]byte(`{"alg":"none","alg":"RS256","kid":"k1"}`), encodeTestJSON(claims), "RS256", rsaKey)
		},
		"OT-24 sub twice": func(_ *hostile, claims map[string]any) any {
			payload := strings.Replace(string(encodeTestJSON(claims)), `"sub":"alice"`, `"sub":"mallory","sub":"alice"`, 1)
			return signBytes(encodeTestJSON(header("RS256", nil)), []byte(payload), "RS256", rsaKey)
		},
		"an array for a payload": func(*hostile, map[string]any) any {
			return signBytes(encodeTestJSON(header("RS256", nil)), []byte(`["sub","alice"]`), "RS256", rsaKey)
		},
		"a payload that is not UTF-8": func(_ *hostile, claims map[string]any) any {
			payload := strings.Replace(string(encodeTestJSON(claims)), "Alice", "Al\xffce", 1)
			return signBytes(encodeTestJSON(header("RS256", nil)), []byte(payload), "RS256", rsaKey)
		},
		"a byte of the payload changed": func(_ *hostile, claims map[string]any) any {
			token := signRaw(header("RS256", nil), rsaKey, claims)
			parts := strings.Split(token, ".")
			flipped := []byte(parts[1])
			flipped[10] ^= 1
			return parts[0] + "." + string(flipped) + "." + parts[2]
		},
	}
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			w := tryToken(t, make)
			if log := w.log.String(); !strings.Contains(log, "verifying ID token") {
				t.Errorf("the log does not say that the ID token is at fault:\n%s", log)
			}
		})
	}
}

// The remedy must be in the log: what is accepted, and which variable says so.
func TestRefusedAlgorithmNamesTheRemedy(t *testing.T) {
	w := tryToken(t, func(_ *hostile, claims map[string]any) any {
		return signRaw(header("HS256", nil), []byte(testSecret), claims)
	})
	if log := w.log.String(); !strings.Contains(log, `signed with \"HS256\"`) || !strings.Contains(log, "SALLYPORT_OIDC_SIGNING_ALGS") {
		t.Errorf("log:\n%s", log)
	}
}
