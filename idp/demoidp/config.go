package demoidp

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Lifetimes that a zero Config gets.
const (
	defaultAccessTokenTTL = 5 * time.Minute
	defaultIDTokenTTL     = 5 * time.Minute
	defaultSessionTTL     = 8 * time.Hour
)

// Config says who may sign in, and where to. The zero value of every field but
// Issuer and Clients has a meaning.
type Config struct {
	// Issuer is the provider's own URL as browsers and clients reach it, e.g.
	// "http://127.0.0.1:9000"; it may have a path. It needs to be known before
	// New: listen first, then use the listener's address.
	Issuer string
	// Clients are the registered relying parties; at least one.
	Clients []Client
	// People can be picked at the sign-in page; nil means DefaultPeople().
	People []Person
	// AccessTokenTTL is how long an access token answers at userinfo; zero means
	// five minutes. It is also expires_in.
	AccessTokenTTL time.Duration
	// IDTokenTTL is the time from iat to exp of ID tokens; zero means five minutes.
	IDTokenTTL time.Duration
	// SessionTTL is how long an IdP session lives after the sign-in that began
	// it; nothing prolongs it. Zero means eight hours.
	SessionTTL time.Duration
	// FixedRefreshToken turns rotation off: each refresh answers with the same
	// refresh token, and using it again is no fault. False, the default, rotates.
	FixedRefreshToken bool
	// Now is the clock of sessions, codes and stored tokens; nil means time.Now.
	// pkg/op stamps iat and exp from time.Now: a test that moves time should do so
	// with testing/synctest, which moves both.
	Now func() time.Time
	// Logger receives one line per sign-in and sign-out, never a token or a code;
	// nil discards them.
	Logger *slog.Logger
}

// Client is one registered relying party.
type Client struct {
	ID string
	// Secret is checked at the token endpoint, by client_secret_basic or _post.
	// Empty makes the client public (client authentication "none").
	Secret string
	// RedirectURIs and PostLogoutRedirectURIs are compared byte for byte.
	RedirectURIs           []string
	PostLogoutRedirectURIs []string
	// BackChannelLogoutURI receives a logout token when a session ends in which
	// this client was signed in; empty means none is sent.
	BackChannelLogoutURI string
	// NoRefreshToken leaves the refresh token out, as many providers do unless
	// offline_access is asked for.
	NoRefreshToken bool
}

// Person is an account of the picker.
type Person struct {
	ID                string // sub; not empty, without ":"
	Name              string
	PreferredUsername string
	Email             string
	EmailVerified     bool
	Groups            []string
	// Claims are added to ID token and userinfo, whatever the scopes; the fields
	// above win where the scopes give them.
	Claims map[string]any
}

// DefaultPeople returns the three people of the demonstration, in different groups.
func DefaultPeople() []Person {
	return []Person{
		{ID: "ada", Name: "Ada Lovelace", PreferredUsername: "ada", Email: "ada@example.com", EmailVerified: true, Groups: []string{"engineering", "admins"}},
		{ID: "grace", Name: "Grace Hopper", PreferredUsername: "grace", Email: "grace@example.com", EmailVerified: true, Groups: []string{"engineering"}},
		{ID: "alan", Name: "Alan Turing", PreferredUsername: "alan", Email: "alan@example.com", EmailVerified: true, Groups: []string{"guests"}},
	}
}

// withDefaults returns c with every zero value replaced, or all its faults.
func (c Config) withDefaults() (Config, error) {
	if c.People == nil {
		c.People = DefaultPeople()
	}
	if c.AccessTokenTTL == 0 {
		c.AccessTokenTTL = defaultAccessTokenTTL
	}
	if c.IDTokenTTL == 0 {
		c.IDTokenTTL = defaultIDTokenTTL
	}
	if c.SessionTTL == 0 {
		c.SessionTTL = defaultSessionTTL
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(checkIssuer(c.Issuer), checkClients(c.Clients), checkPeople(c.People))
}

func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil:
		return fmt.Errorf("parsing issuer: %w", err)
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return fmt.Errorf("issuer %q is not an http or https URL", issuer)
	case u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(issuer, "/"):
		return fmt.Errorf("issuer %q has a query, a fragment or a slash at its end", issuer)
	}
	return nil
}

func checkClients(clients []Client) error {
	if len(clients) == 0 {
		return errors.New("no clients: register at least one")
	}
	seen := map[string]bool{}
	for _, c := range clients {
		if c.ID == "" || seen[c.ID] {
			return fmt.Errorf("client id %q is empty or not unique", c.ID)
		}
		seen[c.ID] = true
	}
	return nil
}

func checkPeople(people []Person) error {
	seen := map[string]bool{}
	for _, p := range people {
		// pkg/op joins token id and subject with a colon inside access tokens.
		if p.ID == "" || strings.Contains(p.ID, ":") || seen[p.ID] {
			return fmt.Errorf("person id %q is empty, has a colon or is not unique", p.ID)
		}
		seen[p.ID] = true
	}
	return nil
}

// clone copies p so that a caller's slice is not shared with the provider.
func (p Person) clone() Person {
	p.Groups = slices.Clone(p.Groups)
	return p
}
