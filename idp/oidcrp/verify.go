package oidcrp

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
)

// clockSkew is how far the provider's clock and ours may differ.
const clockSkew = 60 * time.Second

// maxSubject is the longest sub (OpenID Connect Core §2), in bytes.
const maxSubject = 255

// expected is what the ID token of one sign-in must agree with.
type expected struct {
	nonce       string
	accessToken secret.Text
	begun       time.Time // when the sign-in began, to the second
	acr         []string  // nil = as configured
	maxAge      *time.Duration
}

// verifyIDToken does the whole of OpenID Connect Core §3.1.3.7 and §3.1.3.8 and
// returns the claims. The error is a *fault.Error: ClockSkew when only the clocks
// may be wrong, AccountNotAllowed when the token is right about somebody who may not
// sign in here, one about the provider when its keys cannot be had, IDTokenInvalid for
// everything else.
//
// go-oidc's verifier is not used: it lets encoding/json fold names, excuses another
// issuer for Google, knows neither azp nor iat, allows 0 and 5 minutes of skew where we
// allow one, and refuses the whole token for claims that are elsewhere (Core §5.6.2)
// without an address.
func (c *Client) verifyIDToken(ctx context.Context, raw string, want expected) (object, error) {
	token, err := c.openIDToken(ctx, raw)
	if err != nil {
		return nil, err
	}
	claims := token.claims
	if err := c.checkParties(claims); err != nil {
		return nil, partyFault(err)
	}
	if err := c.checkTimes(claims, want.begun); err != nil {
		return nil, err
	}
	if nonce, _ := claims.text("nonce"); want.nonce == "" || subtle.ConstantTimeCompare([]byte(nonce), []byte(want.nonce)) != 1 {
		return nil, tokenFault(errors.New("its nonce is not the one of this sign-in: it was made for another"))
	}
	if err := token.checkAccessTokenHash(want.accessToken); err != nil {
		return nil, tokenFault(err)
	}
	if err := c.checkAuthentication(claims, want); err != nil {
		if len(want.acr) > 0 || want.maxAge != nil {
			return nil, fault.New(fault.StepUpFailed, fmt.Errorf("verifying ID token: %w; the provider has to know acr_values and max_age and to state acr and auth_time", err))
		}
		return nil, tokenFault(err)
	}
	return claims, nil
}

// openIDToken is openToken for an ID token that the provider gave us. The error is a
// *fault.Error.
func (c *Client) openIDToken(ctx context.Context, raw string) (openedToken, error) {
	token, err := openToken(ctx, c.keys, raw, idTokenTypes[:], c.cfg.SigningAlgs)
	if errors.Is(err, errOtherAlgorithm) {
		err = remedied(err, c.cfg.Remedies.SigningAlg)
	}
	if err != nil {
		return openedToken{}, tokenFault(err)
	}
	return token, nil
}

func tokenFault(cause error) error {
	err := fmt.Errorf("verifying ID token: %w", cause)
	switch {
	case errors.Is(cause, errKeysNotFetched):
		return callFault(err, fault.IdPError) // the token may be right
	case errors.Is(cause, errClocks):
		return fault.New(fault.ClockSkew, err)
	}
	return fault.New(fault.IDTokenInvalid, err)
}

// errClocks says that a token would do at another time.
var errClocks = errors.New("compare the clocks of this machine and the provider (sallyport check)")

func clockError(format string, a ...any) error {
	return fmt.Errorf(format+"; %w", append(a, errClocks)...)
}

// checkParties checks who issued the token, about whom and for whom.
func (c *Client) checkParties(claims object) error {
	if err := c.checkAudience(claims); err != nil {
		return err
	}
	if err := checkSubject(claims); err != nil {
		return err
	}
	for i := range c.cfg.Demands {
		if err := c.cfg.Demands[i].meets(claims); err != nil {
			return err
		}
	}
	return nil
}

// checkAudience checks who issued the token and for whom.
func (c *Client) checkAudience(claims object) error {
	if err := c.cfg.checkIssuer(claims); err != nil {
		return err
	}
	audience, ok := claims.strings("aud")
	if one, isString := claims.text("aud"); isString {
		audience, ok = []string{one}, true
	}
	if !ok || !slices.Contains(audience, c.cfg.ClientID) {
		return errors.New("it is not meant for us: its aud does not contain SALLYPORT_OIDC_CLIENT_ID")
	}
	azp, named := claims.text("azp")
	if claims.has("azp") && azp != c.cfg.ClientID {
		return fmt.Errorf("it was issued to another client, azp is %q and SALLYPORT_OIDC_CLIENT_ID is %q", loggable(azp), c.cfg.ClientID)
	}
	// Core §3.1.3.7(3) wants additional audiences to be trusted; an azp that
	// names us is the provider's word that the token was issued to us.
	if foreign := slices.IndexFunc(audience, func(a string) bool { return a != c.cfg.ClientID }); foreign >= 0 && !named {
		return fmt.Errorf("it is also meant for %q, and no azp says that it was issued to us", loggable(audience[foreign]))
	}
	return nil
}

func checkSubject(claims object) error {
	sub, ok := claims.text("sub")
	switch {
	case !ok || sub == "":
		return errors.New("it has no sub that is a non-empty string")
	case len(sub) > maxSubject:
		return fmt.Errorf("its sub has %d bytes, at most %d are allowed", len(sub), maxSubject)
	}
	for _, r := range sub {
		if unicode.IsControl(r) {
			return errors.New("its sub has a control character")
		}
	}
	return nil
}

// checkTimes checks exp, iat and nbf. An ID token is made during its sign-in or
// refresh, so that an iat before that began is as wrong as one in the future.
func (c *Client) checkTimes(claims object, begun time.Time) error {
	iat, err := c.checkValidity(claims)
	if err != nil {
		return tokenFault(err)
	}
	if iat.Before(begun.Add(-clockSkew)) {
		return tokenFault(clockError("it was issued at %s, before it was asked for at %s", stamp(iat), stamp(begun)))
	}
	return nil
}

// checkValidity checks that a token is valid now (RFC 7519 §4.1) and returns its
// iat; exp and iat must be there.
func (c *Client) checkValidity(claims object) (iat time.Time, _ error) {
	now := c.now()
	exp, err := claims.time("exp")
	if err != nil {
		return iat, err
	}
	if !now.Before(exp.Add(clockSkew)) {
		return iat, clockError("it expired at %s and it is %s here", stamp(exp), stamp(now))
	}
	if iat, err = claims.time("iat"); err != nil {
		return iat, err
	}
	if iat.After(now.Add(clockSkew)) {
		return iat, clockError("it was issued at %s and it is only %s here", stamp(iat), stamp(now))
	}
	if !claims.has("nbf") {
		return iat, nil
	}
	nbf, err := claims.time("nbf")
	if err != nil {
		return iat, err
	}
	if nbf.After(now.Add(clockSkew)) {
		return iat, clockError("it is valid from %s and it is only %s here", stamp(nbf), stamp(now))
	}
	return iat, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// checkAuthentication holds the token to what the authorization request asked for.
// For max_age the person's time at the provider does not count: it is measured
// from the beginning of the sign-in.
func (c *Client) checkAuthentication(claims object, want expected) error {
	acrs, asking := c.cfg.ACRValues, "SALLYPORT_OIDC_ACR_VALUES asks"
	if len(want.acr) > 0 {
		acrs, asking = want.acr, "this sign-in asked"
	}
	if len(acrs) > 0 {
		if acr, ok := claims.text("acr"); !ok || !slices.Contains(acrs, acr) {
			return fmt.Errorf("its acr is %q and %s for one of %q", loggable(acr), asking, acrs)
		}
	}
	maxAge := c.maxAge(want.maxAge)
	if maxAge == nil {
		return c.checkPrompted(claims, want.begun)
	}
	authTime, err := claims.time("auth_time")
	if err != nil {
		return fmt.Errorf("SALLYPORT_OIDC_MAX_AGE or a rule limits the age of sign-ins: %w", err)
	}
	if authTime.Before(want.begun.Add(-*maxAge - clockSkew)) {
		return fmt.Errorf("the person signed in at the provider at %s, which is longer ago than SALLYPORT_OIDC_MAX_AGE or a rule allows (%s)", stamp(authTime), *maxAge)
	}
	return nil
}

// checkPrompted holds the token to prompt=login: who signed in before this sign-in
// began was not asked. A provider that states no auth_time is taken at its word,
// because only max_age obliges it to (Core §2).
func (c *Client) checkPrompted(claims object, begun time.Time) error {
	if !claims.has("auth_time") {
		return nil
	}
	authTime, err := claims.time("auth_time")
	if err != nil {
		return err
	}
	if slices.Contains(c.cfg.Prompt, promptLogin) && authTime.Before(begun.Add(-clockSkew)) {
		return fmt.Errorf("the person signed in at the provider at %s and was not asked again, which SALLYPORT_OIDC_PROMPT=login wants; the provider may not support it", stamp(authTime))
	}
	return nil
}

// maxAge is the stricter of what is configured and what one sign-in asks for.
func (c *Client) maxAge(asked *time.Duration) *time.Duration {
	if asked == nil || c.cfg.MaxAge != nil && *c.cfg.MaxAge < *asked {
		return c.cfg.MaxAge
	}
	return asked
}
