package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/device"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// sessionAdmin finds and ends anybody's sessions; session.Manager is one.
type sessionAdmin interface {
	OfUser(ctx context.Context, user string) ([]session.Listed, error)
	EndUser(ctx context.Context, user string, why session.Reason) (int, error)
	EndHandle(ctx context.Context, h session.Handle, why session.Reason) (bool, error)
}

// sessionAPI is the administrator's API: it lists and ends sessions for whoever has
// the token (RFC 6750 §2.1), and writes down each use.
type sessionAPI struct {
	sessions sessionAdmin
	token    *atomic.Pointer[secret.Text]
	audit    *slog.Logger
}

func (a *sessionAPI) mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /sessions", a.authorised("list_sessions", a.list))
	mux.HandleFunc("DELETE /sessions", a.authorised("end_sessions", a.endAll))
	mux.HandleFunc("DELETE /sessions/{id}", a.authorised("end_session", a.endOne))
}

// use is one use of the API, as the audit log tells of it.
type use struct {
	action  string
	whose   slog.Attr // the user or the session that was asked for
	count   int       // of sessions listed or ended
	outcome string    // ok, or the code of the problem
}

// authorised lets f answer those who have the token, and writes down what came of
// it.
func (a *sessionAPI) authorised(action string, f func(http.ResponseWriter, *http.Request, *use)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		u := &use{action: action, outcome: "ok"}
		if challenge := a.challenge(r); challenge == "" {
			f(w, r, u)
		} else {
			h.Set("WWW-Authenticate", challenge)
			u.refuse(w, http.StatusUnauthorized, "unauthorized", "The request needs the field Authorization: Bearer, and the token of SALLYPORT_ADMIN_TOKEN.")
		}
		a.audit.LogAttrs(r.Context(), slog.LevelInfo, "admin API", slog.String("action", u.action), slog.String("remote", remoteOf(r)),
			u.whose, slog.Int("sessions", u.count), slog.String("outcome", u.outcome))
	}
}

// challenge is "" for a request with the token. Hashes are compared, so that the
// time tells neither what is right nor how long it is.
func (a *sessionAPI) challenge(r *http.Request) string {
	const realm = `Bearer realm="sallyport"`
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || len(r.Header["Authorization"]) != 1 {
		return realm
	}
	want, got := sha256.Sum256([]byte(a.token.Load().Reveal())), sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return realm + `, error="invalid_token"`
	}
	return ""
}

func remoteOf(r *http.Request) string {
	if r.RemoteAddr == "" || r.RemoteAddr == "@" {
		return "unix"
	}
	return r.RemoteAddr
}

// list is GET /sessions?user=.
func (a *sessionAPI) list(w http.ResponseWriter, r *http.Request, u *use) {
	user, ok := u.user(w, r)
	if !ok {
		return
	}
	found, err := a.sessions.OfUser(r.Context(), user)
	if err != nil {
		u.fail(w, err)
		return
	}
	u.count = len(found)
	out := sessionList{Sessions: make([]listedSession, len(found))}
	for i, l := range found {
		out.Sessions[i] = listedSession{
			ID: l.Handle.String(), IdP: l.IdP, Subject: l.Subject, User: l.User, Email: l.Email, Name: l.Name,
			Device: device.Describe(l.UserAgent), UserAgent: l.UserAgent, Address: l.Address,
			CreatedAt: wholeSecond(l.CreatedAt), LastSeen: wholeSecond(l.LastSeen), ExpiresAt: wholeSecond(l.ExpiresAt),
		}
	}
	answerJSON(w, http.StatusOK, "application/json", out)
}

// endAll is DELETE /sessions?user=.
func (a *sessionAPI) endAll(w http.ResponseWriter, r *http.Request, u *use) {
	user, ok := u.user(w, r)
	if !ok {
		return
	}
	var err error
	if u.count, err = a.sessions.EndUser(r.Context(), user, session.EndedByAdmin); err != nil {
		u.fail(w, err)
		return
	}
	answerJSON(w, http.StatusOK, "application/json", endedSessions{u.count})
}

// endOne is DELETE /sessions/{id}.
func (a *sessionAPI) endOne(w http.ResponseWriter, r *http.Request, u *use) {
	h, err := session.ParseHandle(r.PathValue("id"))
	if err != nil {
		u.refuse(w, http.StatusBadRequest, "bad_request", "The path must end with the id of a session, as the list has it.")
		return
	}
	u.whose = slog.String("session", h.String())
	was, err := a.sessions.EndHandle(r.Context(), h, session.EndedByAdmin)
	switch {
	case err != nil:
		u.fail(w, err)
	case !was:
		u.refuse(w, http.StatusNotFound, "no_such_session", "There is no such session, or it has ended already.")
	default:
		u.count = 1
		answerJSON(w, http.StatusOK, "application/json", endedSessions{1})
	}
}

// maxUserName bounds what a person may be called in a request, in bytes.
const maxUserName = 1 << 10

// user reads whose sessions are meant. Nobody is not everybody.
func (u *use) user(w http.ResponseWriter, r *http.Request) (string, bool) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if name := q.Get("user"); err == nil && len(q) == 1 && len(q["user"]) == 1 && name != "" && len(name) <= maxUserName {
		u.whose = slog.String("user", name)
		return name, true
	}
	u.refuse(w, http.StatusBadRequest, "bad_request", "The query must be user= and the sub, the user name or the e-mail address of one person, and nothing else.")
	return "", false
}

// fail answers for a store that did not.
func (u *use) fail(w http.ResponseWriter, err error) {
	if _, down := errors.AsType[*session.StoreError](err); !down {
		u.refuse(w, http.StatusInternalServerError, "internal_error", "The request failed; the log of Sallyport says why.")
		return
	}
	w.Header().Set("Retry-After", "5")
	u.refuse(w, http.StatusServiceUnavailable, "store_unavailable",
		fmt.Sprintf("The session store does not answer (%d session(s) of these have ended); ask again.", u.count))
}

func (u *use) refuse(w http.ResponseWriter, status int, code, detail string) {
	u.outcome = code
	answerJSON(w, status, "application/problem+json", adminProblem{http.StatusText(status), status, code, detail})
}

func answerJSON(w http.ResponseWriter, status int, mediaType string, body any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	// The body is strings, numbers and times, and a client that has gone needs none.
	_ = json.NewEncoder(w).Encode(body)
}

func wholeSecond(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
