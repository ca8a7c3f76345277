package session

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// PendingTTL is how long a sign-in may take from the first redirect to the
// callback.
const PendingTTL = 10 * time.Minute

// MaxPending is how many sign-ins one browser may have under way; the oldest
// gives way.
const MaxPending = 5

// maxPendingRead bounds how many login cookies of one request are opened.
const maxPendingRead = 4 * MaxPending

// pendingSkew is how far in the future a replica with another clock may have
// begun a sign-in.
const pendingSkew = time.Minute

// SignIn is a sign-in that is to begin.
type SignIn struct {
	To      ReturnTo
	Attempt int // NoSessionError.Attempt
	// ACR and MaxAge ask for a sign-in of one of those kinds, and not longer ago
	// than that (whole seconds), instead of as configured; empty and nil do not.
	ACR    []string
	MaxAge *time.Duration
	// IdP is the only provider whose sign-in is of use; "" = any.
	IdP string
}

// Pending is a sign-in under way: what must be the same at the callback. It
// travels in a sealed cookie of the browser that began it, so that nobody can
// finish a sign-in that another browser started (RFC 9700 §4.7).
type Pending struct {
	IdP       string
	State     string // RFC 6749 §10.12; opaque base64url
	Nonce     string // OpenID Connect Core §3.1.2.1
	Verifier  string // RFC 7636 code_verifier
	ReturnTo  ReturnTo
	CreatedAt time.Time // to the second; zero = now, filled in by BeginLogin
	// Attempt counts sign-ins in a row that did not hold: see NoSessionError.
	Attempt int
	// ACR and MaxAge are what SignIn asked for, to be held against what comes back.
	ACR    []string
	MaxAge *time.Duration
}

// NoPendingError says that a callback has no sign-in under way in this browser.
type NoPendingError struct {
	Why NoPending
}

// NoPending is why a callback has none.
type NoPending string

// The reasons for having no sign-in under way.
const (
	NoLoginCookie      NoPending = "no_login_cookie"      // none was sent for this state
	LoginCookieInvalid NoPending = "login_cookie_invalid" // not sealed by us, changed, or of another state
	LoginExpired       NoPending = "login_expired"        // begun more than PendingTTL ago
)

// Error implements error. It is for operators.
func (e *NoPendingError) Error() string {
	text := "no sign-in under way: " + string(e.Why)
	if e.Why == LoginCookieInvalid {
		text += "; if this happens to many, replicas have different SALLYPORT_SECRET, or it was exchanged without keeping the old key behind the new one"
	}
	return text
}

// BeginLogin remembers a sign-in in the browser: it adds the sealed login
// cookie to the answer. When MaxPending others are under way, it clears the
// oldest of them. A return address that makes the cookie larger than browsers
// keep is replaced by Config.Home.
func (m *Manager) BeginLogin(w http.ResponseWriter, r *http.Request, p Pending) error {
	if p.State == "" {
		return fmt.Errorf("beginning sign-in: the state is empty")
	}
	if p.CreatedAt.IsZero() {
		p.CreatedAt = m.now()
	}
	name := m.loginName(p.State)
	value, err := m.sealPending(name, p)
	if err != nil {
		return err
	}
	m.makeRoom(w, r, name)
	m.cookies.setLogin(w, name, value)
	return nil
}

func (m *Manager) sealPending(name string, p Pending) (string, error) {
	keys := m.keys.current.Load()
	value, err := keys.login.seal(name, p.encode())
	if err == nil && len(name)+len(value) <= maxCookie {
		return value, nil
	}
	p.ReturnTo = m.home
	value, err = keys.login.seal(name, p.encode())
	if err != nil {
		return "", fmt.Errorf("beginning sign-in: %w", err)
	}
	return value, nil
}

// Pending returns the sign-in that this browser began with that state, or a
// *NoPendingError.
func (m *Manager) Pending(r *http.Request, state string) (Pending, error) {
	name := m.loginName(state)
	found := findCookie(r.Header, name, maxCookie)
	if !found.sent {
		return Pending{}, &NoPendingError{Why: NoLoginCookie}
	}
	why := LoginCookieInvalid
	for _, value := range found.all() {
		p, ok := m.openPending(name, value)
		switch {
		case !ok || subtle.ConstantTimeCompare([]byte(p.State), []byte(state)) != 1:
		case m.pendingExpired(p):
			why = LoginExpired
		default:
			return p, nil
		}
	}
	return Pending{}, &NoPendingError{Why: why}
}

// ClearPending makes the browser forget the sign-in of that state: a state is
// good for one callback.
func (m *Manager) ClearPending(w http.ResponseWriter, _ *http.Request, state string) {
	m.cookies.clear(w, m.loginName(state))
}

// loginName is the name of the login cookie for a state: one cookie for each
// sign-in, so that those of several tabs do not overwrite each other.
func (m *Manager) loginName(state string) string {
	sum := sha256.Sum256([]byte(state))
	return m.cookies.session + loginInfix + base64.RawURLEncoding.EncodeToString(sum[:6])
}

func (m *Manager) openPending(name, value string) (Pending, bool) {
	plain, ok := m.keys.current.Load().login.open(name, value)
	if !ok {
		return Pending{}, false
	}
	p, err := decodePending(plain)
	return p, err == nil
}

func (m *Manager) pendingExpired(p Pending) bool {
	age := m.now().Sub(p.CreatedAt)
	return age >= PendingTTL || age < -pendingSkew
}

// makeRoom clears login cookies until one more fits: first those that are of no
// use any more, then the oldest.
func (m *Manager) makeRoom(w http.ResponseWriter, r *http.Request, newName string) {
	type underWay struct {
		name  string
		since time.Time // zero: of no use
	}
	var others []underWay
	for name, value := range cookies(r.Header) {
		if !m.cookies.isLogin(name) || name == newName ||
			slices.ContainsFunc(others, func(o underWay) bool { return o.name == name }) {
			continue
		}
		o := underWay{name: name}
		if p, ok := m.openPending(name, value); ok && !m.pendingExpired(p) {
			o.since = p.CreatedAt
		}
		others = append(others, o)
		if len(others) == maxPendingRead {
			break
		}
	}
	slices.SortStableFunc(others, func(a, b underWay) int { return cmp.Compare(a.since.Unix(), b.since.Unix()) })
	for i, o := range others {
		if o.since.IsZero() || len(others)-i >= MaxPending {
			m.cookies.clear(w, o.name)
		}
	}
}
