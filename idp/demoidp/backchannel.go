package demoidp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

const (
	logoutTokenTTL  = 2 * time.Minute // OpenID Connect Back-Channel Logout 1.0 §2.4
	deliveryTimeout = 5 * time.Second
)

// notify sends a logout token to every client of the ended session that has a
// back-channel logout URI. It does not wait; WaitDeliveries does.
func (p *Provider) notify(ctx context.Context, e ended) {
	for _, c := range e.clients {
		if c.BackChannelLogoutURI == "" {
			continue
		}
		p.deliveries.Go(func() {
			if err := p.deliver(ctx, c, e); err != nil {
				p.log.WarnContext(ctx, "back-channel logout was not delivered", "client", c.ID, "sid", e.sid, "error", err)
			}
		})
	}
}

func (p *Provider) deliver(ctx context.Context, c Client, e ended) error {
	token, err := p.logoutToken(c.ID, e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	body := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.BackChannelLogoutURI, body)
	if err != nil {
		return fmt.Errorf("making the logout request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("sending the logout token: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the client answered %s", response.Status)
	}
	return nil
}

// logoutToken is Back-Channel Logout 1.0 §2.4, explicitly typed.
func (p *Provider) logoutToken(clientID string, e ended) (string, error) {
	key := p.store.currentKey()
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key.private, KeyID: key.id}},
		(&jose.SignerOptions{}).WithType("logout+jwt"))
	if err != nil {
		return "", fmt.Errorf("making a signer: %w", err)
	}
	claims, err := json.Marshal(oidc.NewLogoutTokenClaims(p.cfg.Issuer, e.personID, oidc.Audience{clientID},
		time.Now().Add(logoutTokenTTL), rand.Text(), e.sid, 0))
	if err != nil {
		return "", fmt.Errorf("encoding the logout token: %w", err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("signing the logout token: %w", err)
	}
	return signed.CompactSerialize()
}
