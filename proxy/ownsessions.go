package proxy

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/device"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/reqid"
	"github.com/sallyport/sallyport/proxy/pages"
	"github.com/sallyport/sallyport/session"
)

// Sessions finds and ends the sessions of the person who asks; session.Manager is
// one, if its store can find them.
type Sessions interface {
	// Own returns the request's session, counting as no use of it, and all of the
	// same person, newest first.
	Own(r *http.Request) (*session.Session, []session.Listed, error)
	// EndOwn ends one of them and reports whether there was one.
	EndOwn(r *http.Request, h session.Handle, why session.Reason) (bool, error)
	// EndOthers ends all of them but the request's, and returns how many.
	EndOthers(r *http.Request, why session.Reason) (int, error)
}

// SessionsPath is the page of a person's own sessions, below the prefix.
const SessionsPath = "/sessions"

// maxShownSessions is how many sessions one person is shown, of more the newest:
// a program that signs in every minute must not make a page of megabytes.
const maxShownSessions = 100

// sessionsEndpoints let a person see their own sessions and end them. Like those
// of identityEndpoints they prolong nothing.
type sessionsEndpoints struct {
	auth     Authenticator
	sessions Sessions
	pages    Pages
	prefix   string // of our endpoints, base path included
	now      func() time.Time
	log      *slog.Logger
	refuse   func(http.ResponseWriter, *http.Request, error)
	// refusePage is refuse that leads a navigation without a session to the sign-in.
	refusePage func(http.ResponseWriter, *http.Request, error)
}

func (e *sessionsEndpoints) routes() []Route {
	return []Route{
		{Path: SessionsPath, Name: "sessions", Methods: []string{http.MethodGet}, Handler: http.HandlerFunc(e.list)},
		{Path: SessionsPath + "/revoke", Name: "sessions_revoke", Methods: []string{http.MethodPost}, Handler: http.HandlerFunc(e.revoke)},
	}
}

// list is GET /sessions.
func (e *sessionsEndpoints) list(w http.ResponseWriter, r *http.Request) {
	s, all, err := e.sessions.Own(r)
	if err != nil {
		e.refusePage(w, r, err)
		return
	}
	shown, more := currentFirst(all), 0
	if len(shown) > maxShownSessions {
		shown, more = shown[:maxShownSessions], len(shown)-maxShownSessions
	}
	page := pages.OwnSessions{
		More: more, Who: knownAs(&s.Identity), Now: e.now(),
		LogoutURL: e.prefix + "/logout", RevokeURL: e.prefix + SessionsPath + "/revoke",
	}
	for _, l := range shown {
		page.Sessions = append(page.Sessions, pages.OwnSession{
			ID: l.Handle.String(), Current: l.Current,
			Device: device.Describe(l.UserAgent), Handheld: device.Handheld(l.UserAgent), Address: l.Address,
			CreatedAt: seconds(l.CreatedAt), LastSeen: seconds(l.LastSeen), ExpiresAt: seconds(l.ExpiresAt),
		})
	}
	e.pages.Sessions(w, r, page)
}

// currentFirst moves the current session to the front.
func currentFirst(all []session.Listed) []session.Listed {
	sorted := make([]session.Listed, 0, len(all))
	for _, current := range []bool{true, false} {
		for _, l := range all {
			if l.Current == current {
				sorted = append(sorted, l)
			}
		}
	}
	return sorted
}

// knownAs is what people recognise themselves by.
func knownAs(id *session.Identity) string {
	for _, name := range []string{id.Email, id.Name, id.User} {
		if name != "" {
			return name
		}
	}
	return id.Subject
}

// revoke is POST /sessions/revoke. The request's own session is not ended here but
// by the sign-out, which leads to the provider's.
func (e *sessionsEndpoints) revoke(w http.ResponseWriter, r *http.Request) {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		e.refuse(w, r, fault.New(fault.CrossSiteRequest, err))
		return
	}
	asked, err := readRevocation(w, r)
	if err != nil {
		e.refuse(w, r, fault.New(fault.BadRequest, err))
		return
	}
	s, err := e.auth.Peek(r)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	if !asked.others && asked.one == s.Handle {
		e.ended(w, r, pages.Ended{LogoutURL: e.prefix + "/logout"})
		return
	}
	n, err := e.end(r, asked)
	e.log.LogAttrs(r.Context(), slog.LevelInfo, "a person ended sessions of theirs", slog.Int("ended", n), slog.Bool("failed", err != nil),
		slog.String("sub", s.Identity.Subject), slog.String("by_session", tag(s.Handle)), slog.String("request_id", reqid.From(r.Context())))
	if _, down := errors.AsType[*session.StoreError](err); down {
		err = fault.New(fault.RevokeIncomplete, err)
	}
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	e.ended(w, r, pages.Ended{Ended: n})
}

func (e *sessionsEndpoints) end(r *http.Request, asked revocation) (int, error) {
	if asked.others {
		return e.sessions.EndOthers(r, session.EndedElsewhere)
	}
	was, err := e.sessions.EndOwn(r, asked.one, session.EndedElsewhere)
	if was {
		return 1, err
	}
	return 0, err
}

// ended leads a person back to the list, or to the sign-out, and tells a script.
func (e *sessionsEndpoints) ended(w http.ResponseWriter, r *http.Request, done pages.Ended) {
	if !pages.TakesPage(r.Header) {
		writeJSON(w, done)
		return
	}
	to := done.LogoutURL
	if to == "" {
		to = e.prefix + SessionsPath
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
