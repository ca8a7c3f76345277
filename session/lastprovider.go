package session

import (
	"net/http"
	"time"
)

// rememberProvider is how long a browser remembers at which provider it signed in
// last. Browsers keep a cookie for 400 days at most.
const rememberProvider = 365 * 24 * time.Hour

// maxProviderID bounds the id of a provider in that cookie, in bytes.
const maxProviderID = 32

// LastProvider is the provider that this browser signed in at last, "" if it does not
// say. The cookie is no secret and is not sealed: whoever sets it chooses among the
// configured providers, as the person could, and an id that is none of them means
// nothing. It outlives sign-outs.
func (m *Manager) LastProvider(r *http.Request) string {
	found := findCookie(r.Header, m.cookies.session+providerName, maxProviderID)
	for _, id := range found.all() {
		return id
	}
	return ""
}

// remember has the browser remember the provider of its new session.
func (m *Manager) remember(w http.ResponseWriter, r *http.Request, id string) {
	if !m.remembersProvider || m.LastProvider(r) == id {
		return
	}
	cookie := m.cookies.cookie(m.cookies.session+providerName, id)
	cookie.MaxAge = int(rememberProvider.Seconds())
	cookie.SameSite = http.SameSiteLaxMode // a link on another site may lead to the sign-in
	http.SetCookie(w, cookie)
}
