package oidcrp

import (
	"log/slog"
	"net/http"
	"sync"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
)

// clientSecrets chooses between the client secret and the one before it while the
// provider exchanges the one for the other, which nobody does at the same moment.
// Safe for concurrent use.
type clientSecrets struct {
	current, previous func() secret.Text // either may be nil or answer nothing
	log               *slog.Logger

	mu      sync.Mutex
	refused secret.Text // which the provider refused last; empty = none
}

// read returns both secrets, of which the second may be empty.
func (s *clientSecrets) read() (current, previous secret.Text) {
	if s.current != nil {
		current = s.current()
	}
	if s.previous != nil {
		previous = s.previous()
	}
	return current, previous
}

// inForce is the secret to send: the current one, unless that is what the provider
// refused last.
func (s *clientSecrets) inForce() secret.Text {
	current, previous := s.read()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !previous.IsEmpty() && s.refused.Reveal() == current.Reveal() {
		return previous
	}
	return current
}

// refuse notes that the provider refused one of the two, and returns the other,
// which is in force from then on; ok is false when there is none.
func (s *clientSecrets) refuse(used secret.Text) (other secret.Text, ok bool) {
	current, previous := s.read()
	other, refusedName, otherName := previous, "SALLYPORT_OIDC_CLIENT_SECRET", "SALLYPORT_OIDC_CLIENT_SECRET_PREVIOUS"
	if used.Reveal() != current.Reveal() {
		other, refusedName, otherName = current, otherName, refusedName
	}
	if previous.IsEmpty() || other.Reveal() == used.Reveal() {
		return secret.Text{}, false
	}
	s.mu.Lock()
	news := s.refused.Reveal() != used.Reveal()
	s.refused = used
	s.mu.Unlock()
	if news {
		s.log.Warn("the provider refuses a client secret; the other one is used", "refused", refusedName, "used", otherName)
	}
	return other, true
}

// refusesClient reports whether an answer refuses the client and not what it asked
// for (RFC 6749 §5.2). Before it does, a provider has looked at nothing else.
func (a *answer) refusesClient() bool {
	if a.status == http.StatusOK {
		return false
	}
	o, err := parseObject(a.body)
	if err != nil || !o.has("error") {
		return a.status == http.StatusUnauthorized
	}
	name, _ := o.text("error")
	// Older versions of Keycloak say unauthorized_client of a wrong secret.
	return name == "invalid_client" || name == "unauthorized_client" && a.status == http.StatusUnauthorized
}

// otherSecretError says that a code went to the provider with a client secret that it
// refuses, and that there is another. The code is not sent again, because some
// providers count it as used; a new sign-in gets a new one without a word.
type otherSecretError struct{ fault *fault.Error }

// Error implements error.
func (e *otherSecretError) Error() string { return e.fault.Error() }

// Unwrap returns what to show where no new sign-in can begin.
func (e *otherSecretError) Unwrap() error { return e.fault }
