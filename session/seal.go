package session

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
)

// The versions of a sealed record, its first byte.
const (
	recordPlain    = 1 // JSON and the tokens, as packBody puts them
	recordDeflated = 2 // that in DEFLATE (RFC 1951)
)

// recordBody is the JSON inside a sealed record, beside the tokens. It repeats Session's
// fields because a Grant does not marshal.
type recordBody struct {
	IdP       string    `json:"idp"`
	CreatedAt time.Time `json:"created_at"`

	Issuer   string              `json:"iss"`
	Subject  string              `json:"sub"`
	SID      string              `json:"sid,omitempty"`
	User     string              `json:"user,omitempty"`
	Email    string              `json:"email,omitempty"`
	Name     string              `json:"name,omitempty"`
	Groups   []string            `json:"groups,omitempty"`
	Claims   map[string][]string `json:"claims,omitempty"`
	Withheld bool                `json:"groups_withheld,omitempty"`
	Missing  []string            `json:"claims_withheld,omitempty"`
	ACR      string              `json:"acr,omitempty"`
	AMR      []string            `json:"amr,omitempty"`
	AuthTime int64               `json:"auth_time,omitempty"` // Unix seconds

	ExpiresAt  int64 `json:"expires_at,omitempty"`  // of the access token, Unix seconds
	ObtainedAt int64 `json:"obtained_at,omitempty"` // Unix milliseconds
	Mode       Mode  `json:"mode,omitempty"`
}

// sealSession encrypts what a store keeps of s under the ticket's own key:
// version, nonce, AES-256-GCM. The version and the handle are authenticated
// with it, so that a store that swaps two records opens neither. A compact record
// is compressed first.
func sealSession(t *ticket, s *Session, compact bool) ([]byte, error) {
	id, g := s.Identity, s.Grant
	text, err := json.Marshal(recordBody{
		IdP: s.IdP, CreatedAt: s.CreatedAt,
		Issuer: id.Issuer, Subject: id.Subject, SID: id.SID,
		User: id.User, Email: id.Email, Name: id.Name, Groups: id.Groups, Claims: id.Claims, Withheld: id.GroupsWithheld, Missing: id.ClaimsWithheld,
		ACR: id.ACR, AMR: id.AMR, AuthTime: toUnix(id.AuthTime),
		ExpiresAt: toUnix(g.ExpiresAt), ObtainedAt: toMilli(g.ObtainedAt), Mode: g.Mode,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding session: %w", err)
	}
	plain := packBody(text, g.AccessToken.Reveal(), g.IDToken.Reveal(), g.RefreshToken.Reveal())
	gcm, err := t.cipher()
	if err != nil {
		return nil, err
	}
	version := byte(recordPlain)
	if compact {
		version = recordDeflated
		if plain, err = deflate(plain); err != nil {
			return nil, fmt.Errorf("compressing session: %w", err)
		}
	}
	return gcm.Seal([]byte{version}, nil, plain, recordAAD(version, s.Handle)), nil
}

// seal is the AES-GCM tag at the end of a sealed record: no two sealings have the
// same.
type seal [16]byte

func sealOf(sealed []byte) (s seal) {
	copy(s[:], sealed[max(len(sealed)-len(s), 0):])
	return s
}

// seal is sealSession as the store wants it.
func (m *Manager) seal(t *ticket, s *Session) ([]byte, error) {
	return sealSession(t, s, m.carried != nil)
}

// openSession is the reverse. The times that depend on configuration and use
// are left to the caller.
func openSession(t *ticket, sealed []byte) (*Session, error) {
	if len(sealed) == 0 || sealed[0] != recordPlain && sealed[0] != recordDeflated {
		return nil, errors.New("opening session record: of a version that is not known")
	}
	version := sealed[0]
	gcm, err := t.cipher()
	if err != nil {
		return nil, err
	}
	h := t.handle()
	plain, err := gcm.Open(nil, nil, sealed[1:], recordAAD(version, h))
	if err != nil {
		return nil, fmt.Errorf("opening session record: %w", err)
	}
	if version == recordDeflated {
		if plain, err = inflate(plain); err != nil {
			return nil, fmt.Errorf("decompressing session record: %w", err)
		}
	}
	var access, id, refresh string
	text, err := unpackBody(plain, &access, &id, &refresh)
	if err != nil {
		return nil, fmt.Errorf("unpacking session record: %w", err)
	}
	var b recordBody
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("decoding session record: %w", err)
	}
	return &Session{
		Handle: h, IdP: b.IdP, CreatedAt: b.CreatedAt,
		Identity: Identity{
			Issuer: b.Issuer, Subject: b.Subject, SID: b.SID,
			User: b.User, Email: b.Email, Name: b.Name, Groups: b.Groups, Claims: b.Claims, GroupsWithheld: b.Withheld, ClaimsWithheld: b.Missing,
			ACR: b.ACR, AMR: b.AMR, AuthTime: fromUnix(b.AuthTime),
		},
		Grant: Grant{
			AccessToken: secret.New(access), IDToken: secret.New(id), RefreshToken: secret.New(refresh),
			ExpiresAt: fromUnix(b.ExpiresAt), ObtainedAt: fromMilli(b.ObtainedAt), Mode: b.Mode,
		},
	}, nil
}

// cipher is AES-256-GCM that puts a random nonce in front. A key seals one
// session's few records, far below the 2^32 that random nonces allow
// (NIST SP 800-38D §8.3).
func (t *ticket) cipher() (cipher.AEAD, error) {
	block, err := aes.NewCipher(t.key[:])
	if err != nil {
		return nil, fmt.Errorf("making record cipher: %w", err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("making record cipher: %w", err)
	}
	return gcm, nil
}

func recordAAD(version byte, h Handle) []byte {
	return append([]byte{version}, h[:]...)
}

// toUnix keeps whole seconds, so that no year an IdP makes up fails to encode;
// the zero time is 0.
func toUnix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// toMilli is for times that two refreshes within a second must not share.
func toMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
