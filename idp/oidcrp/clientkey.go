package oidcrp

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/internal/secret"
)

// shortestRSA is the least size of an RSA key, in bits (RFC 7518 §3.3).
const shortestRSA = 2048

// ClientKeyConfig is what a ClientKey is made of.
type ClientKeyConfig struct {
	// Key is a private key: PEM (PKCS #8, PKCS #1 or SEC 1) or one JWK. Required.
	Key secret.Text
	// Certificate is a PEM chain for it, the key's own certificate first. It may be
	// empty where the key only signs.
	Certificate []byte
	ID          string // kid of its assertions; "" = the JWK's, else none
	Alg         string // of signingAlgs; "" = the JWK's, else the first that fits
}

// ClientKey is a private key that this client authenticates with. It is immutable
// and safe for concurrent use.
type ClientKey struct {
	private     crypto.Signer
	certificate *tls.Certificate // nil = none
	id, alg     string
}

// NewClientKey reads a key. Its errors hold nothing of the key and name what is
// wrong with which of the two files.
func NewClientKey(cfg ClientKeyConfig) (*ClientKey, error) {
	k, err := readPrivateKey([]byte(cfg.Key.Reveal()))
	if err != nil {
		return nil, err
	}
	fits := fittingAlgs(k.private)
	if fits == nil {
		return nil, fmt.Errorf("the key is neither RSA of at least %d bits nor EC on P-256, P-384 or P-521", shortestRSA)
	}
	if cfg.ID != "" {
		k.id = cfg.ID
	}
	switch {
	case cfg.Alg != "":
		k.alg = cfg.Alg
	case k.alg == "":
		k.alg = fits[0]
	}
	if !slices.Contains(fits, k.alg) {
		return nil, fmt.Errorf("the key cannot sign with %s; it can with %s", k.alg, strings.Join(fits, ", "))
	}
	if len(cfg.Certificate) > 0 {
		if k.certificate, err = certificateFor(k.private, cfg.Certificate); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// fittingAlgs lists the algorithms that a key can sign with, the most widely
// accepted first; nil = none.
func fittingAlgs(private crypto.Signer) []string {
	switch key := private.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() >= shortestRSA {
			return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	case *ecdsa.PrivateKey:
		switch key.Curve.Params().Name {
		case "P-256":
			return []string{"ES256"}
		case "P-384":
			return []string{"ES384"}
		case "P-521":
			return []string{"ES512"}
		}
	}
	return nil
}

// readPrivateKey reads PEM or a JWK, whose kid and alg it takes over.
func readPrivateKey(text []byte) (*ClientKey, error) {
	if text = bytes.TrimSpace(text); bytes.HasPrefix(text, []byte("{")) {
		return readJWK(text)
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, errors.New("the key is neither PEM (-----BEGIN PRIVATE KEY-----) nor a JWK")
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return nil, errors.New("the key is encrypted with a passphrase; write it without one, for example with: openssl pkey -in key.pem -out plain.pem")
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue // EC PARAMETERS, or the certificate
		}
		private, err := parsePrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		return &ClientKey{private: private}, nil
	}
}

func parsePrivateKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if private, ok := key.(crypto.Signer); ok {
			return private, nil
		}
		return nil, errors.New("the key cannot sign")
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errors.New("the key is PEM and holds no private key in PKCS #8, PKCS #1 or SEC 1")
}

func readJWK(text []byte) (*ClientKey, error) {
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(text, &jwk); err != nil {
		return nil, errors.New("the key is JSON and not a JWK (RFC 7517); of a set, write one key alone")
	}
	private, ok := jwk.Key.(crypto.Signer)
	if !ok || !jwk.Valid() {
		return nil, errors.New("the key is a JWK and not a private one")
	}
	return &ClientKey{private: private, id: jwk.KeyID, alg: jwk.Algorithm}, nil
}

// certificateFor reads a chain whose first certificate is the key's.
func certificateFor(private crypto.Signer, chain []byte) (*tls.Certificate, error) {
	c := &tls.Certificate{PrivateKey: private}
	for {
		var block *pem.Block
		if block, chain = pem.Decode(chain); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			c.Certificate = append(c.Certificate, block.Bytes)
		}
	}
	if len(c.Certificate) == 0 {
		return nil, errors.New("the certificate is not PEM (-----BEGIN CERTIFICATE-----)")
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("reading the certificate: %w", err)
	}
	public, ok := private.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(leaf.PublicKey) {
		return nil, errors.New("the certificate is another key's; the key's own comes first, before those of its issuers")
	}
	c.Leaf = leaf
	return c, nil
}

// Alg is the algorithm that assertions are signed with.
func (k *ClientKey) Alg() string { return k.alg }

// Certificate is the key's certificate; nil = it has none.
func (k *ClientKey) Certificate() *x509.Certificate {
	if k.certificate == nil {
		return nil
	}
	return k.certificate.Leaf
}

// PublicJWK returns the public key as a JWK (RFC 7517) with its certificate, if it
// has one, to be registered at the provider.
func (k *ClientKey) PublicJWK() ([]byte, error) {
	jwk := jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: k.alg, Use: "sig"}
	if leaf := k.Certificate(); leaf != nil {
		jwk.Certificates = []*x509.Certificate{leaf}
	}
	text, err := json.Marshal(jwk)
	if err != nil {
		return nil, fmt.Errorf("writing the public key: %w", err)
	}
	return text, nil
}
