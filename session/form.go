package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// FormTTL is how long a form is kept: as long as a sign-in may take, and a little
// for the way back.
const FormTTL = PendingTTL + time.Minute

// The errors of Manager.OpenForm.
var (
	// ErrFormInvalid: not sealed by us, or changed.
	ErrFormInvalid = errors.New("the kept form is not one of ours")
	// ErrFormExpired: kept for longer than FormTTL.
	ErrFormExpired = errors.New("the form was kept for too long")
	// ErrFormNotTheirs: somebody else had filled it in.
	ErrFormNotTheirs = errors.New("the form is of somebody else")
)

// Form is a form that a person sent when their session was over: where it was
// to go, and its fields in their order.
type Form struct {
	Action ReturnTo
	Fields []FormField
}

// FormField is one name with one value.
type FormField struct{ Name, Value string }

// whose names a person without telling who it is, in a ticket and in a kept form.
type whose [16]byte

func whoseOf(issuer, subject string) (w whose) {
	sum := sha256.New()
	for _, part := range []string{"whose", issuer, subject} {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		sum.Write([]byte(part))
	}
	copy(w[:], sum.Sum(nil))
	return w
}

// keptForm is what a kept form holds under its seal.
type keptForm struct {
	Whose  whose       `json:"whose"`
	Since  int64       `json:"since"` // Unix seconds
	Action string      `json:"action"`
	Fields []FormField `json:"fields"`
}

// SealForm seals a form for whoever the request's session was of, which need not
// exist any more, in unpadded base64url. It is for the browser to keep: nobody
// else can read or change it, the app's scripts included. ok is false when the
// request has no ticket of ours.
func (m *Manager) SealForm(r *http.Request, f Form) (sealed string, ok bool) {
	keys := m.keys.current.Load()
	found := findCookie(r.Header, m.cookies.session, maxTicketValue)
	for _, value := range found.all() {
		t, ours := openTicket(keys, m.cookies.session, value)
		if !ours {
			continue
		}
		plain, err := json.Marshal(keptForm{Whose: t.whose, Since: m.now().Unix(), Action: f.Action.target, Fields: f.Fields})
		if err != nil {
			return "", false // strings that are no UTF-8 still encode: it has no reason to
		}
		return base64.RawURLEncoding.EncodeToString(keys.forms[0].Seal(nil, nil, plain, nil)), true
	}
	return "", false
}

// OpenForm returns a form that SealForm sealed, under whichever key of the ring, if
// s is a session of the same person. The error is ErrFormInvalid, ErrFormExpired or
// ErrFormNotTheirs.
func (m *Manager) OpenForm(s *Session, sealed string) (Form, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return Form{}, ErrFormInvalid
	}
	for _, key := range m.keys.current.Load().forms {
		plain, err := key.Open(nil, nil, b, nil)
		if err != nil {
			continue
		}
		var kept keptForm
		if err := json.Unmarshal(plain, &kept); err != nil {
			return Form{}, ErrFormInvalid
		}
		return m.acceptForm(s, kept)
	}
	return Form{}, ErrFormInvalid
}

func (m *Manager) acceptForm(s *Session, kept keptForm) (Form, error) {
	theirs := whoseOf(s.Identity.Issuer, s.Identity.Subject)
	if subtle.ConstantTimeCompare(theirs[:], kept.Whose[:]) != 1 {
		return Form{}, ErrFormNotTheirs
	}
	if age := m.now().Sub(time.Unix(kept.Since, 0)); age >= FormTTL || age < -pendingSkew {
		return Form{}, ErrFormExpired
	}
	return Form{Action: ReturnTo{target: kept.Action}, Fields: kept.Fields}, nil
}

// formCipher is AES-256-GCM with random nonces under a key of the ring. A key seals
// far fewer forms than the 2^32 that such nonces allow.
func (k *KeyRing) formCipher(key Key) (cipher.AEAD, error) {
	derived, err := k.derive(key, purposeForm, "block")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("making form cipher: %w", err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("making form cipher: %w", err)
	}
	return gcm, nil
}
