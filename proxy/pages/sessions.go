package pages

import (
	"fmt"
	"net/http"
	"time"
)

// OwnSession is one of the reader's sessions, as the page shows it and as its JSON.
type OwnSession struct {
	ID        string    `json:"id"` // names it when it is to be ended; no secret
	Current   bool      `json:"current"`
	Device    string    `json:"device"`  // words of ours, such as "Firefox on Windows"
	Handheld  bool      `json:"-"`       // a phone or a tablet
	Address   string    `json:"address"` // where the sign-in came from; "" = not known
	CreatedAt time.Time `json:"created_at"`
	LastSeen  time.Time `json:"last_seen"`
	ExpiresAt time.Time `json:"expires_at"`
}

// OwnSessions is all that the page of somebody's sessions shows.
type OwnSessions struct {
	Sessions []OwnSession `json:"sessions"`
	More     int          `json:"more"` // that there are, beside those of Sessions
	// LogoutURL is the path that ends the current session, RevokeURL the one that
	// takes the form of any other.
	LogoutURL string    `json:"logout_url"`
	RevokeURL string    `json:"revoke_url"`
	Who       string    `json:"-"` // the reader, by a name that they know; may be ""
	Now       time.Time `json:"-"`
}

// Ended answers a script that ended sessions.
type Ended struct {
	Ended int `json:"ended"` // how many
	// LogoutURL is set when the current session was meant, which ends there.
	LogoutURL string `json:"logout_url,omitempty"`
}

// maxWho bounds the name on the page, in runes.
const maxWho = 100

// Sessions shows somebody their sessions; its forms post "session" and an ID, or
// "others" and "true", to RevokeURL, and nothing to LogoutURL. Whoever does not
// accept HTML gets JSON.
func (p *Renderer) Sessions(w http.ResponseWriter, r *http.Request, l OwnSessions) {
	if who := []rune(l.Who); len(who) > maxWho {
		l.Who = string(who[:maxWho]) + "…"
	}
	if l.Sessions == nil {
		l.Sessions = []OwnSession{}
	}
	p.answer(w, r, reply{
		status: http.StatusOK,
		guard:  p.guard.withForm(),
		page: view{
			Title:     "Your sessions",
			Detail:    "These browsers are signed in to " + p.site + ".",
			Hint:      "Sign out of any that you do not recognise.",
			Sessions:  &sessionsView{OwnSessions: l, Home: p.home},
			RequestID: requestID(w, r),
		},
		mediaType: "application/json",
		json:      l,
	})
}

// sessionsView is what the template needs beside the facts.
type sessionsView struct {
	OwnSessions
	Home string
}

// Others reports whether there is a session that is not the reader's current one.
func (v *sessionsView) Others() bool { return len(v.Sessions)+v.More > 1 }

// Ago says how long ago t was, in words that need no time zone: the page does not
// know the reader's.
func (v *sessionsView) Ago(t time.Time) string {
	passed := v.Now.Sub(t)
	switch {
	case passed < 2*time.Minute: // LastSeen is coarse by a minute
		return "just now"
	case passed < time.Hour:
		return count(int(passed/time.Minute), "minute") + " ago"
	case passed < 24*time.Hour:
		return count(int(passed/time.Hour), "hour") + " ago"
	}
	return count(int(passed/(24*time.Hour)), "day") + " ago"
}

// Machine is t for the datetime attribute, Exact for those who want to know.
func (v *sessionsView) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Exact is t in full.
func (v *sessionsView) Exact(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

func count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
