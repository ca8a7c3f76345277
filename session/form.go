package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
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
// to go, and its body as it came.
type Form struct {
	Action ReturnTo
	Body   string
}

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

// What a kept form holds under its seal: whose (16 bytes), since (Unix seconds, 8
// bytes), the action after its length (uvarint), the body.
const keptFormHead = 16 + 8

func encodeForm(w whose, since time.Time, f Form) []byte {
	b := make([]byte, 0, keptFormHead+binary.MaxVarintLen32+len(f.Action.target)+len(f.Body))
	b = append(b, w[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(since.Unix()))
	b = binary.AppendUvarint(b, uint64(len(f.Action.target)))
	b = append(b, f.Action.target...)
	return append(b, f.Body...)
}

func decodeForm(b []byte) (w whose, since time.Time, f Form, ok bool) {
	if len(b) < keptFormHead {
		return w, since, f, false
	}
	copy(w[:], b)
	since = time.Unix(int64(binary.BigEndian.Uint64(b[16:])), 0)
	size, n := binary.Uvarint(b[keptFormHead:])
	b = b[keptFormHead+max(n, 0):]
	if n <= 0 || size > uint64(len(b)) {
		return w, since, f, false
	}
	return w, since, Form{Action: ReturnTo{target: string(b[:size])}, Body: string(b[size:])}, true
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
		plain := encodeForm(t.whose, m.now(), f)
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
		return m.acceptForm(s, plain)
	}
	return Form{}, ErrFormInvalid
}

func (m *Manager) acceptForm(s *Session, plain []byte) (Form, error) {
	w, since, form, ok := decodeForm(plain)
	if !ok {
		return Form{}, ErrFormInvalid
	}
	theirs := whoseOf(s.Identity.Issuer, s.Identity.Subject)
	if subtle.ConstantTimeCompare(theirs[:], w[:]) != 1 {
		return Form{}, ErrFormNotTheirs
	}
	if age := m.now().Sub(since); age >= FormTTL || age < -pendingSkew {
		return Form{}, ErrFormExpired
	}
	return form, nil
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
