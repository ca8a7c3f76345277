package demoidp

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// The levels of authentication that acr_values may ask for. The picker grants
// whichever was asked for; a session below it has to pass the picker again.
const (
	acrBasic    = "urn:sallyport:demo:basic"
	acrElevated = "urn:sallyport:demo:elevated"
)

// session is one person signed in at this provider in one browser.
type session struct {
	sid      string // what clients see; says nothing about the cookie
	cookie   string
	personID string
	authTime time.Time // of the latest pass through the picker
	acr      string
	expires  time.Time
	ended    bool
	clients  map[string]bool // that signed in through this session
}

// sessionAlive needs s.mu.
func (s *storage) sessionAlive(x *session) bool {
	return !x.ended && s.cfg.Now().Before(x.expires)
}

// sessionByCookie returns the live session that cookie names. Its authTime, acr
// and clients may only be read under s.mu.
func (s *storage) sessionByCookie(cookie string) (*session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.sessions[cookie]
	if x == nil || !s.sessionAlive(x) {
		return nil, false
	}
	return x, true
}

// signIn records that personID passed the picker at the level acr. The same
// person keeps the session; anyone else gets a new one, and the caller ends the old.
func (s *storage) signIn(old *session, personID, acr string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	now := s.cfg.Now()
	if old != nil && old.personID == personID && s.sessionAlive(old) {
		old.authTime, old.acr = now, acr
		return old
	}
	x := &session{
		sid:      rand.Text(),
		cookie:   rand.Text(),
		personID: personID,
		authTime: now,
		acr:      acr,
		expires:  now.Add(s.cfg.SessionTTL),
		clients:  map[string]bool{},
	}
	s.sessions[x.cookie] = x
	return x
}

// ended is what a back-channel logout needs to know of a session that is over.
type ended struct {
	sid, personID string
	clients       []Client
}

// endWhere ends every live session that match picks.
func (s *storage) endWhere(match func(*session) bool) []ended {
	s.mu.Lock()
	defer s.mu.Unlock()
	var over []ended
	for cookie, x := range s.sessions {
		if !match(x) || !s.sessionAlive(x) {
			continue
		}
		x.ended = true
		delete(s.sessions, cookie)
		e := ended{sid: x.sid, personID: x.personID}
		for id := range x.clients {
			e.clients = append(e.clients, s.clients[id].Client)
		}
		over = append(over, e)
	}
	return over
}

// cookieName differs per issuer, since cookies ignore the port and several
// providers may run on one loopback address.
func (p *Provider) cookieName() string {
	sum := sha256.Sum256([]byte(p.cfg.Issuer))
	return "demoidp-" + hex.EncodeToString(sum[:4])
}

// sessionOf returns the live session of the browser, or nil.
func (p *Provider) sessionOf(r *http.Request) *session {
	c, err := r.Cookie(p.cookieName())
	if err != nil {
		return nil
	}
	x, _ := p.store.sessionByCookie(c.Value)
	return x
}

func (p *Provider) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name:     p.cookieName(),
		Value:    value,
		Path:     p.basePath + "/",
		MaxAge:   maxAge,
		HttpOnly: true,
		Secure:   strings.HasPrefix(p.cfg.Issuer, "https://"),
		SameSite: http.SameSiteLaxMode,
	})
}
