package oidcrp

import (
	"crypto/sha1" // what x5t is, by definition; nothing is believed because of it
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// AssertionAudience says whom a client assertion is made out to.
type AssertionAudience string

// The values of SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE.
const (
	// AudienceIssuer is the issuer, which no other provider's metadata can name
	// as its own (RFC 7523 as revised by draft-ietf-oauth-rfc7523bis).
	AudienceIssuer AssertionAudience = "issuer"
	// AudienceEndpoint is the address that the assertion is sent to.
	AudienceEndpoint AssertionAudience = "endpoint"
)

// assertionType is the client_assertion_type of RFC 7523 §2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionLife is how long an assertion can be used, from the moment it is made.
const assertionLife = time.Minute

// assertionClaims are those of RFC 7523 §3. nbf is left out: it would only add a
// way for clocks to disagree.
type assertionClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"` // one value, so that no other provider is among them
	ID       string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// assertion makes a JWT that says, once and for a minute, that the client is who it
// says. With a certificate its header has the thumbprints of RFC 7515 §4.1.7 and
// §4.1.8, by which Entra ID and AD FS find the key.
func (k *ClientKey) assertion(clientID, audience string, now time.Time) (string, error) {
	opts := (&jose.SignerOptions{}).WithType("JWT")
	if k.id != "" {
		opts.WithHeader("kid", k.id)
	}
	if leaf := k.Certificate(); leaf != nil {
		one, two := sha1.Sum(leaf.Raw), sha256.Sum256(leaf.Raw)
		opts.WithHeader("x5t", base64.RawURLEncoding.EncodeToString(one[:]))
		opts.WithHeader("x5t#S256", base64.RawURLEncoding.EncodeToString(two[:]))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.alg), Key: k.private}, opts)
	if err != nil {
		return "", fmt.Errorf("signing the client assertion: %w", err)
	}
	payload, err := json.Marshal(assertionClaims{
		Issuer: clientID, Subject: clientID, Audience: audience, ID: randomText(),
		IssuedAt: now.Unix(), Expires: now.Add(assertionLife).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("signing the client assertion: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing the client assertion: %w", err)
	}
	return signed.CompactSerialize()
}
