package demoidp

import (
	"context"
	"crypto/rand"
	"log/slog"

	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"github.com/zitadel/schema"
)

// engine is what the endpoints of pkg/op ask of a provider. It is not op.Provider,
// whose router brings every endpoint of pkg/op, and with the page of one of them
// html/template, into the program: see docs/adr/0190-slim-binary.md.
type engine struct {
	store   *storage
	crypto  op.Crypto // seals codes and access tokens
	decoder *schema.Decoder
	encoder *schema.Encoder
}

var (
	_ op.Authorizer       = (*engine)(nil)
	_ op.Exchanger        = (*engine)(nil)
	_ op.UserinfoProvider = (*engine)(nil)
	_ op.Revoker          = (*engine)(nil)
	_ op.Introspector     = (*engine)(nil)
	_ op.SessionEnder     = (*engine)(nil)
)

func newEngine(store *storage) (*engine, error) {
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return nil, err
	}
	e := &engine{store: store, crypto: op.NewAES256GCMCrypto(key, ""), decoder: schema.NewDecoder(), encoder: oidc.NewEncoder()}
	e.decoder.IgnoreUnknownKeys(true) // OpenID Connect Core §3.1.2.1
	return e, nil
}

func (e *engine) Storage() op.Storage         { return e.store }
func (e *engine) Crypto() op.Crypto           { return e.crypto }
func (e *engine) Decoder() httphelper.Decoder { return e.decoder }
func (e *engine) Encoder() httphelper.Encoder { return e.encoder }

func (e *engine) IDTokenHintVerifier(ctx context.Context) *op.IDTokenHintVerifier {
	return op.NewIDTokenHintVerifier(op.IssuerFromContext(ctx), &op.OpenIDKeySet{Storage: e.store})
}

func (e *engine) AccessTokenVerifier(ctx context.Context) *op.AccessTokenVerifier {
	return op.NewAccessTokenVerifier(op.IssuerFromContext(ctx), &op.OpenIDKeySet{Storage: e.store})
}

// What is offered, as the discovery document says.

func (e *engine) AuthMethodPostSupported() bool             { return true }
func (e *engine) GrantTypeRefreshTokenSupported() bool      { return true }
func (e *engine) AuthMethodPrivateKeyJWTSupported() bool    { return false }
func (e *engine) RequestObjectSupported() bool              { return false }
func (e *engine) GrantTypeTokenExchangeSupported() bool     { return false }
func (e *engine) GrantTypeJWTAuthorizationSupported() bool  { return false }
func (e *engine) GrantTypeClientCredentialsSupported() bool { return false }
func (e *engine) GrantTypeDeviceCodeSupported() bool        { return false }

// DefaultLogoutRedirectURI is none: the provider's own page says that it is done.
func (e *engine) DefaultLogoutRedirectURI() string { return "" }

// Logger is asked for by interfaces of pkg/op, which say that it is not used.
func (e *engine) Logger() *slog.Logger { return e.store.cfg.Logger }
