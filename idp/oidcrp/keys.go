package oidcrp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/internal/secret"
)

// unknownKeyEvery is how often, at most, tokens that no known key verifies make us
// fetch the key set. The provider gave us each of them a moment ago, so that nobody
// can forge any: this only spares one whose tokens never fit its keys.
const unknownKeyEvery = time.Second

// unsolicitedKeyEvery is the same for tokens that anybody may send us. They have an
// allowance of their own, so that forged ones take none from sign-ins.
const unsolicitedKeyEvery = time.Minute

// maxTried bounds how many keys are tried on a token that names none.
const maxTried = 4

// keySet holds the provider's public keys and implements signatures. go-oidc's
// own fetches for every bad token, without a limit of size, and gives up a whole
// set for one broken key.
//
// The zero value is not usable; the methods are safe for concurrent use.
type keySet struct {
	caller *caller
	now    func() time.Time
	log    *slog.Logger

	mu          sync.Mutex
	url         string
	keys        []publicKey
	fetched     int           // how many sets came
	failed      error         // of the last fetch; nil = it went well, or there was none
	answers     allowance     // for tokens that the provider gave us
	unsolicited allowance     // for those that anybody may send
	fetching    *fetchingKeys // nil = none under way
}

// allowance says how often tokens may make us fetch the key set.
type allowance struct {
	every time.Duration
	used  time.Time // when one last did; guarded by keySet.mu
}

// errKeysNotFetched says that a token may be right: nobody could tell.
var errKeysNotFetched = errors.New("fetching the keys failed")

type fetchingKeys struct {
	done chan struct{}
	err  error // valid once done is closed
}

func newKeySet(c *caller, now func() time.Time, log *slog.Logger) *keySet {
	return &keySet{
		caller: c, now: now, log: log,
		answers: allowance{every: unknownKeyEvery}, unsolicited: allowance{every: unsolicitedKeyEvery},
	}
}

// setURL says where the set is published.
func (s *keySet) setURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = url
}

// VerifySignature implements signatures: it returns the payload of a compact JWS
// whose signature a key of the provider verifies.
//
// A token that names its key (kid) is tried with keys of that name only; one that
// names none, with up to four that fit its algorithm. When none is right, the set is
// fetched anew, at most once a second, because the provider may have exchanged its
// keys, perhaps without changing their names.
func (s *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	return s.verify(ctx, jwt, &s.answers, verifyWithAny)
}

// tryKeys is verifyWithAny, or something that lets it wait.
type tryKeys func(jws *jose.JSONWebSignature, keys []any) (payload []byte, tried int)

func (s *keySet) verify(ctx context.Context, jwt string, allowed *allowance, try tryKeys) ([]byte, error) {
	algs := make([]jose.SignatureAlgorithm, len(signingAlgs))
	for i, alg := range signingAlgs {
		algs[i] = jose.SignatureAlgorithm(alg)
	}
	jws, err := jose.ParseSignedCompact(jwt, algs)
	if err != nil {
		return nil, errors.New("the token is not a signed JWT of an accepted algorithm")
	}
	header := jws.Signatures[0].Protected
	claims := unverifiedClaims(secret.New(jwt))
	if claims == nil {
		return nil, errors.New("its payload is not a JSON object")
	}
	known := s.generation()
	payload, tried := try(jws, s.candidates(header.KeyID, header.Algorithm, claims))
	if payload != nil {
		return payload, nil
	}
	if s.fetchForToken(ctx, known, allowed) {
		if payload, tried = try(jws, s.candidates(header.KeyID, header.Algorithm, claims)); payload != nil {
			return payload, nil
		}
	}
	return nil, s.whyNot(header, claims, tried)
}

// whyNot says why none of the keys, so many of which were tried, verifies a token.
func (s *keySet) whyNot(header jose.Header, claims object, tried int) error {
	s.mu.Lock()
	failed := s.failed
	s.mu.Unlock()
	switch {
	case failed != nil:
		return fmt.Errorf("no known key verifies the token, and %w: %w", errKeysNotFetched, failed)
	case tried > 0:
		return errors.New("the signature is wrong")
	case len(s.candidates(header.KeyID, header.Algorithm, nil)) > 0:
		iss, _ := claims.text("iss")
		return fmt.Errorf("the provider's key %q is not for tokens whose issuer is %q, which this one claims", loggable(header.KeyID), loggable(iss))
	}
	return fmt.Errorf("the provider publishes no key %q that fits %s", loggable(header.KeyID), header.Algorithm)
}

// verifyWithAny returns the payload if one of the keys is right, and how many were
// tried.
func verifyWithAny(jws *jose.JSONWebSignature, keys []any) (payload []byte, tried int) {
	for _, key := range keys {
		tried++
		if payload, err := jws.Verify(key); err == nil {
			return payload, tried
		}
	}
	return nil, tried
}

// candidates returns the keys that may have signed a token with these claims, or
// with any when claims is nil.
func (s *keySet) candidates(kid, alg string, claims object) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []any
	for i := range s.keys {
		k := &s.keys[i]
		if k.fits(alg) && (claims == nil || k.mayVerify(claims)) && (kid == "" || k.kid == kid) && len(found) < maxTried {
			found = append(found, k.key)
		}
	}
	return found
}

// generation says which set the keys are from.
func (s *keySet) generation() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetched
}

// fetchForToken fetches the set unless the allowance is used up, and reports whether
// there are keys of another generation than the one that was tried. It joins a fetch that is
// under way, and is content with one that has ended meanwhile.
func (s *keySet) fetchForToken(ctx context.Context, tried int, allowed *allowance) bool {
	s.mu.Lock()
	if s.fetching == nil {
		if s.fetched != tried {
			s.mu.Unlock()
			return true
		}
		now := s.now()
		if !allowed.used.IsZero() && now.Sub(allowed.used) < allowed.every {
			s.mu.Unlock()
			return false
		}
		allowed.used = now
	}
	s.mu.Unlock()
	return s.refresh(ctx) == nil
}

// refresh fetches the set once, together with whoever else asks at this moment.
// The keys stay as they are when it fails. The fetch goes on when ctx ends: the
// others still wait for it.
func (s *keySet) refresh(ctx context.Context) error {
	s.mu.Lock()
	f := s.fetching
	if f == nil {
		f = &fetchingKeys{done: make(chan struct{})}
		s.fetching = f
		go s.fetch(context.WithoutCancel(ctx), s.url, f)
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *keySet) fetch(ctx context.Context, url string, f *fetchingKeys) {
	keys, err := s.load(ctx, url)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.keys = keys
		s.fetched++
	}
	s.failed, f.err = err, err
	s.fetching = nil
	close(f.done)
}

func (s *keySet) load(ctx context.Context, url string) ([]publicKey, error) {
	if url == "" {
		return nil, errors.New("the provider's metadata have not been fetched yet")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("asking for the keys: %w", err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	a, err := s.caller.call(req, atJWKS, maxJWKS)
	if err != nil {
		return nil, err
	}
	if err := a.success(atJWKS); err != nil {
		return nil, err
	}
	keys, skipped, err := parseJWKS(a.body)
	if err != nil {
		return nil, err
	}
	if len(skipped) > 0 {
		s.log.DebugContext(ctx, "some of the provider's keys are not used", "cause", errors.Join(skipped...))
	}
	switch {
	case len(keys) > 0:
		return keys, nil
	case len(skipped) == 0:
		return nil, errors.New("the provider publishes no keys")
	default:
		return nil, fmt.Errorf("none of the provider's keys can verify an ID token: %w", errors.Join(skipped...))
	}
}
