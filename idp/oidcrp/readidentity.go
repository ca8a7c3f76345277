package oidcrp

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/sallyport/sallyport/session"
)

// ReadIdentity makes the identity that a sign-in with these claims of an ID token
// would have; it verifies nothing and asks nobody. Of the Config it uses what
// concerns claims. The error says why there would be no sign-in.
func ReadIdentity(cfg Config, claims []byte) (session.Identity, error) {
	o, err := parseObject(claims)
	if err != nil {
		return session.Identity{}, fmt.Errorf("reading claims: %w", err)
	}
	c := &Client{cfg: cfg, log: slog.New(slog.DiscardHandler)}
	return c.identityOf(context.Background(), o, nil)
}
