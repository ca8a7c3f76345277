package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/sallyport/sallyport/idp/oidcrp"
	"github.com/sallyport/sallyport/internal/secret"
)

const (
	clientAuthVariable     = "SALLYPORT_OIDC_CLIENT_AUTH"
	clientSecretVariable   = "SALLYPORT_OIDC_CLIENT_SECRET"
	previousSecretVariable = "SALLYPORT_OIDC_CLIENT_SECRET_PREVIOUS"
	expiresVariable        = "SALLYPORT_OIDC_CLIENT_SECRET_EXPIRES"
	clientKeyVariable      = "SALLYPORT_OIDC_CLIENT_KEY_FILE"
	clientCertVariable     = "SALLYPORT_OIDC_CLIENT_CERT_FILE"
	clientKeyIDVariable    = "SALLYPORT_OIDC_CLIENT_KEY_ID"
	clientKeyAlgVariable   = "SALLYPORT_OIDC_CLIENT_KEY_ALG"
	audienceVariable       = "SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE"
)

// readClientKey reads the key that this client authenticates with, and its
// certificate if there is one.
func readClientKey(o OIDCConfig) (*oidcrp.ClientKey, error) {
	key, err := readSecretFile(o.ClientKeyFile)
	if err != nil {
		return nil, err
	}
	certificate := ""
	if o.ClientCertFile != "" {
		if certificate, err = readSecretFile(o.ClientCertFile); err != nil {
			return nil, err
		}
	}
	return oidcrp.NewClientKey(oidcrp.ClientKeyConfig{
		Key: secret.New(key), Certificate: []byte(certificate), ID: o.ClientKeyID, Alg: o.ClientKeyAlg,
	})
}

// newClientKey is nil when no key is configured. Key and certificate are read
// together, so that a new one of both never meets an old one of the other.
func newClientKey(o OIDCConfig, now func() time.Time, logger *slog.Logger) (func() *oidcrp.ClientKey, error) {
	if o.ClientKeyFile == "" {
		return nil, nil
	}
	paths := []string{o.ClientKeyFile}
	if o.ClientCertFile != "" {
		paths = append(paths, o.ClientCertFile)
	}
	key, err := newReloaded(reloadedConfig[oidcrp.ClientKey]{
		what: "client key", paths: paths, variables: clientKeyVariable + ", " + clientCertVariable,
		read: func() (*oidcrp.ClientKey, error) { return readClientKey(o) },
		now:  now, logger: logger,
	})
	if err != nil {
		return nil, err
	}
	return key.get, nil
}

// resolveCredentials refuses what the configured way of authenticating lacks, and
// what it would not use: of two credentials one is a mistake.
func (p *provider) resolveCredentials(f *faults) {
	o := p.OIDC
	auth := oidcrp.ClientAuth(o.ClientAuth)
	if f.isBroken(clientAuthVariable) {
		return
	}
	switch {
	case auth.UsesSecret() && o.ClientSecret.IsEmpty():
		f.unreadable(clientSecretVariable, "is required", "set it to the client secret from the provider (or "+clientSecretVariable+fileSuffix+" to a file that holds it); a public client without a secret needs "+clientAuthVariable+"=none")
	case !auth.UsesSecret() && !o.ClientSecret.IsEmpty():
		f.add(clientSecretVariable, "is set, but "+clientAuthVariable+"="+o.ClientAuth+" would not use it", "remove one of the two")
	}
	if auth.UsesKey() {
		p.resolveClientKey(f)
	}
	for _, v := range []struct {
		name      string
		set, used bool
	}{
		{previousSecretVariable, !o.PreviousSecret.IsEmpty(), auth.UsesSecret()},
		{expiresVariable, !o.expires().IsZero(), auth.UsesSecret()},
		{clientKeyVariable, o.ClientKeyFile != "", auth.UsesKey()},
		{clientCertVariable, o.ClientCertFile != "", auth.UsesKey()},
		{clientKeyIDVariable, o.ClientKeyID != "", auth == oidcrp.PrivateKeyJWT},
		{clientKeyAlgVariable, o.ClientKeyAlg != "", auth == oidcrp.PrivateKeyJWT},
	} {
		if v.set && !v.used {
			f.add(v.name, "is set, but "+clientAuthVariable+"="+o.ClientAuth+" would not use it", "remove it, or set "+clientAuthVariable+" to what the client is registered with")
		}
	}
}

// expires is when the client secret ends; zero = not known.
func (o OIDCConfig) expires() time.Time { return time.Time(o.ClientSecretExpires) }

// resolveClientKey reads the key and its certificate.
func (p *provider) resolveClientKey(f *faults) {
	o := p.OIDC
	auth := oidcrp.ClientAuth(o.ClientAuth)
	if o.ClientKeyFile == "" {
		f.unreadable(clientKeyVariable, "is required with "+clientAuthVariable+"="+o.ClientAuth, "name a file that holds the client's private key, as PEM or JWK")
		return
	}
	if auth.UsesTLS() && o.ClientCertFile == "" {
		f.unreadable(clientCertVariable, "is required with "+clientAuthVariable+"="+o.ClientAuth, "name a file that holds the certificate of "+clientKeyVariable+", as PEM")
		return
	}
	if auth == oidcrp.PrivateKeyJWT && o.AssertionAudience == string(oidcrp.AudienceIssuer) && strings.Contains(o.Issuer, oidcrp.TenantPlaceholder) {
		f.add(audienceVariable, "is issuer, and "+issuerVariable+" stands for every tenant", "set it to endpoint")
	}
	if f.isBroken(clientKeyAlgVariable) {
		return
	}
	var err error
	if p.clientKey, err = readClientKey(o); err != nil {
		f.add(clientKeyVariable, fmt.Sprintf("cannot be used: %v", err), "name a private key (PEM without a passphrase, or a JWK), and in "+clientCertVariable+" only its own certificate")
	}
}
