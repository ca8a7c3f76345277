package proxy

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/internal/reqid"
	"github.com/sallyport/sallyport/session"
)

const headerAssertion = "X-Sallyport-Assertion"

const (
	// assertionLife is the longest life of an assertion. Who steals one, out of a
	// log of the app say, has no longer to use it.
	assertionLife = 2 * time.Minute
	// assertionReuse is how long one is given to the requests of its session, so
	// that signing costs nothing per request and what is left of its life is never
	// less than a minute.
	assertionReuse = time.Minute
)

// asserter vouches for an identity with a signature (contract §4), so that an app
// need not trust that nobody but us can reach it.
type asserter struct {
	keys     func() []*ecdsa.PrivateKey // newest first
	issuer   string
	audience string
	now      func() time.Time
	log      *slog.Logger
}

// newAsserter returns nil where no assertion is asked for.
func newAsserter(cfg *Config) *asserter {
	if cfg.AssertionKeys == nil {
		return nil
	}
	a := &asserter{
		keys: cfg.AssertionKeys, issuer: publicText(cfg.PublicURL), audience: cfg.AssertionAudience, now: cfg.Now, log: cfg.Logger,
	}
	if a.audience == "" {
		a.audience = a.issuer
	}
	return a
}

// assertionClaims are the claims of an assertion. A claim that the identity lacks is
// absent, except that groups is the empty list for a person without groups.
type assertionClaims struct {
	Issuer   string   `json:"iss"`
	Audience string   `json:"aud"`
	Subject  string   `json:"sub"` // of the provider's ID token
	User     string   `json:"user,omitempty"`
	Email    string   `json:"email,omitempty"`
	Name     string   `json:"name,omitempty"`
	Groups   []string `json:"groups,omitzero"`
	// GroupsOmitted says that there are groups which are not told.
	GroupsOmitted bool     `json:"groups_omitted,omitempty"`
	SessionID     string   `json:"sid"` // of our session
	IdP           string   `json:"idp"`
	ACR           string   `json:"acr,omitempty"`
	AMR           []string `json:"amr,omitempty"`
	AuthTime      int64    `json:"auth_time,omitempty"`
	IssuedAt      int64    `json:"iat"`
	Expires       int64    `json:"exp"`
	ID            string   `json:"jti"`
}

// assertion is one that was signed, with what it depends on.
type assertion struct {
	text     string
	key      *ecdsa.PrivateKey
	identity session.Identity
	from     time.Time // signed at
	until    time.Time // not given to requests from then on
}

// of returns the assertion about s for a request at this moment: one that was signed
// within the last minute, or a new one. It is "" when none could be made, which is
// logged; the app then refuses whom it cannot verify.
func (a *asserter) of(x *exchange, s *session.Session) string {
	now, key := a.now(), a.keys()[0]
	if kept, ok := s.Memo.Load().(*assertion); ok && kept.fits(&s.Identity, key, now) {
		return kept.text
	}
	made, err := a.sign(x, s, key, now)
	if err != nil {
		a.log.Error("no assertion about a session could be made; the app is sent none", "session", x.sessionTag(),
			"request_id", reqid.From(x.in.Context()), "error", err)
		return ""
	}
	s.Memo.Store(made)
	return made.text
}

// fits reports whether k may still be given out. A refresh changes claims, and a
// rotation the key; both count at once.
func (k *assertion) fits(id *session.Identity, key *ecdsa.PrivateKey, now time.Time) bool {
	was := &k.identity
	return k.key == key && !now.Before(k.from) && now.Before(k.until) &&
		was.Subject == id.Subject && was.User == id.User && was.Email == id.Email && was.Name == id.Name &&
		was.GroupsWithheld == id.GroupsWithheld && slices.Equal(was.Groups, id.Groups) &&
		was.ACR == id.ACR && slices.Equal(was.AMR, id.AMR) && was.AuthTime.Equal(id.AuthTime)
}

func (a *asserter) sign(x *exchange, s *session.Session, key *ecdsa.PrivateKey, now time.Time) (*assertion, error) {
	published, err := publicKey(key)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", published.KeyID))
	if err != nil {
		return nil, fmt.Errorf("making the signer: %w", err)
	}
	c := a.claims(s, now)
	text, err := c.sign(signer)
	if err == nil && len(text) > maxValue && len(c.Groups) > 0 {
		a.log.Warn("groups left out of an assertion, which would be longer than 8 KiB with them; let the identity provider send only the groups that the app needs",
			"session", x.sessionTag(), "request_id", reqid.From(x.in.Context()))
		c.Groups, c.GroupsOmitted = nil, true
		text, err = c.sign(signer)
	}
	if err != nil {
		return nil, err
	}
	if len(text) > maxValue {
		return nil, fmt.Errorf("it would have %d bytes, at most %d fit into a header; choose shorter claims with SALLYPORT_CLAIM_*", len(text), maxValue)
	}
	return &assertion{text: text, key: key, identity: s.Identity, from: now, until: earlier(now.Add(assertionReuse), s.ExpiresAt)}, nil
}

// sign returns the claims as a JWT (RFC 7519).
func (c *assertionClaims) sign(with jose.Signer) (string, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encoding claims: %w", err)
	}
	signed, err := with.Sign(body)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return signed.CompactSerialize()
}

// claims are what is vouched for. Of texts that cannot stand in a header none is
// told here either, so that an app that compares the two finds them alike.
func (a *asserter) claims(s *session.Session, now time.Time) assertionClaims {
	id := &s.Identity
	c := assertionClaims{
		Issuer: a.issuer, Audience: a.audience, Subject: id.Subject,
		User: tellable(id.User), Email: tellable(id.Email), Name: tellable(id.Name),
		Groups: []string{}, GroupsOmitted: id.GroupsWithheld, SessionID: s.Handle.String(), IdP: s.IdP, ACR: id.ACR, AMR: id.AMR,
		IssuedAt: now.Unix(), Expires: earlier(now.Add(assertionLife), s.ExpiresAt).Unix(), ID: rand.Text(),
	}
	if !id.AuthTime.IsZero() {
		c.AuthTime = id.AuthTime.Unix()
	}
	for _, g := range id.Groups {
		switch {
		case !printable(g):
			c.GroupsOmitted = true
		case g != "":
			c.Groups = append(c.Groups, g)
		}
	}
	if c.GroupsOmitted {
		c.Groups = nil
	}
	return c
}

// tellable is a claim, or "" for one that teller leaves out.
func tellable(claim string) string {
	if !printable(claim) || len(claim) > maxValue {
		return ""
	}
	return claim
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
