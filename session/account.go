package session

import (
	"net/http"
	"time"
)

// askFor is how long a browser remembers that its next sign-in asks which account:
// longer than most providers remember somebody.
const askFor = 30 * 24 * time.Hour

// AskForAccount has the browser remember, until its next sign-in, that its last
// sign-out left the provider's session alone: whoever sits there next must not be
// signed in as the last one.
func (m *Manager) AskForAccount(w http.ResponseWriter) {
	cookie := m.cookies.cookie(m.cookies.session+accountName, "ask")
	cookie.MaxAge = int(askFor.Seconds())
	http.SetCookie(w, cookie)
}

// AsksForAccount reports whether the browser remembers that.
func (m *Manager) AsksForAccount(r *http.Request) bool {
	return findCookie(r.Header, m.cookies.session+accountName, len("ask")).sent
}

// forgetAccount ends what AskForAccount began.
func (m *Manager) forgetAccount(w http.ResponseWriter, r *http.Request) {
	if m.AsksForAccount(r) {
		m.cookies.clear(w, m.cookies.session+accountName)
	}
}
