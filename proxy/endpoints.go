package proxy

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// identityEndpoints answer what an app's scripts ask about the session. They
// tell no token, set no CORS field and never prolong the session, so that a page
// that polls them does not keep somebody signed in.
type identityEndpoints struct {
	auth      Authenticator
	refresher Refresher // may be nil
	now       func() time.Time
	mode      func(*session.Session) string // may be nil
	refuse    func(http.ResponseWriter, *http.Request, error)
}

func (e *identityEndpoints) routes() []Route {
	get := []string{http.MethodGet}
	list := []Route{
		{Path: "/session", Name: "session", Methods: get, Handler: http.HandlerFunc(e.session)},
		{Path: "/userinfo", Name: "userinfo", Methods: get, Handler: http.HandlerFunc(e.userinfo)},
	}
	if e.refresher != nil {
		list = append(list, Route{Path: "/session/refresh", Name: "session_refresh", Methods: []string{http.MethodPost}, Handler: http.HandlerFunc(e.refresh)})
	}
	return list
}

// sessionJSON is the answer of GET /session and POST /session/refresh.
type sessionJSON struct {
	User          userJSON   `json:"user"`
	IdP           string     `json:"idp"`
	Mode          string     `json:"mode,omitempty"`
	CreatedAt     time.Time  `json:"created_at"`
	ExpiresAt     time.Time  `json:"expires_at"`
	IdleExpiresAt *time.Time `json:"idle_expires_at,omitempty"` // absent without an idle limit
	RefreshAt     *time.Time `json:"refresh_at,omitempty"`      // absent when it is never renewed
	SecondsLeft   int64      `json:"seconds_left"`              // until the earlier of the two
}

type userJSON struct {
	Subject string   `json:"sub"`
	Email   string   `json:"email,omitempty"`
	Name    string   `json:"name,omitempty"`
	Groups  []string `json:"groups"`
}

// userinfoJSON is the answer of GET /userinfo: what the app is told in headers.
type userinfoJSON struct {
	User              string   `json:"user,omitempty"`
	Email             string   `json:"email,omitempty"`
	PreferredUsername string   `json:"preferred_username,omitempty"`
	Groups            []string `json:"groups"`
}

func (e *identityEndpoints) session(w http.ResponseWriter, r *http.Request) {
	s, err := e.auth.Peek(r)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	e.describe(w, s)
}

// refresh is POST /session/refresh. It costs a call to the provider, so another
// site must not cause it; a session cookie with SameSite=None would come along.
func (e *identityEndpoints) refresh(w http.ResponseWriter, r *http.Request) {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		e.refuse(w, r, fault.New(fault.CrossSiteRequest, err))
		return
	}
	s, err := e.refresher.Refresh(r)
	if failed, ok := errors.AsType[*session.RefreshError](err); ok {
		err = refreshFault(failed)
	}
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	e.describe(w, s)
}

// refreshFault says why a session was not renewed; it goes on meanwhile, and a
// browser keeps its cookie.
func refreshFault(failed *session.RefreshError) *fault.Error {
	if failed.Outcome == session.RefreshMisconfigured {
		return fault.New(fault.ClientRejected, failed)
	}
	f := fault.New(fault.IdPUnavailable, failed)
	f.RetryAfter = max(f.RetryAfter, failed.RetryAfter)
	return f
}

// describe answers with what the app's scripts may know of s.
func (e *identityEndpoints) describe(w http.ResponseWriter, s *session.Session) {
	id := &s.Identity
	out := sessionJSON{
		User: userJSON{Subject: id.Subject, Email: id.Email, Name: id.Name, Groups: list(id.Groups)},
		IdP:  s.IdP, CreatedAt: seconds(s.CreatedAt), ExpiresAt: seconds(s.ExpiresAt),
	}
	if e.mode != nil {
		out.Mode = e.mode(s)
	}
	end := s.ExpiresAt
	if !s.IdleAt.IsZero() {
		idle := seconds(s.IdleAt)
		out.IdleExpiresAt, end = &idle, s.IdleAt
	}
	if !s.RefreshAt.IsZero() {
		at := seconds(s.RefreshAt)
		out.RefreshAt = &at
	}
	out.SecondsLeft = max(int64(end.Sub(e.now())/time.Second), 0)
	writeJSON(w, out)
}

func (e *identityEndpoints) userinfo(w http.ResponseWriter, r *http.Request) {
	s, err := e.auth.Peek(r)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	id := &s.Identity
	writeJSON(w, userinfoJSON{User: id.User, Email: id.Email, PreferredUsername: id.Name, Groups: list(id.Groups)})
}

// seconds is a time as RFC 3339 without fractions, which some parsers refuse.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// list is never null in JSON.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// writeJSON writes a whole answer. Cache-Control is set for all our answers.
func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // only strings and times: cannot fail
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(append(body, '\n'))
}
