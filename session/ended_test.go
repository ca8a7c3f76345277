package session_test

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/reqid"
	"github.com/sallyport/sallyport/session"
)

// Each end of a session is one line that says whose it was, why it ended and which
// request did it, as far as anybody here knows.
func TestAuditOfEnds(t *testing.T) {
	const id = "request-1"
	stranger := func(t *testing.T, w *world) *session.Manager { // has no session opened
		return w.replica(t, func(c *session.Config) { c.Store = w.cfg.Store })
	}
	tests := []struct {
		name, reason, sub, id string
		end                   func(t *testing.T, w *world, b *browser, s *session.Session)
	}{
		{"LO-19 sign-out", "logout", "alice", id, func(t *testing.T, w *world, b *browser, _ *session.Session) {
			r := b.request()
			_, err := w.End(httptest.NewRecorder(), r.WithContext(reqid.With(r.Context(), id)), session.EndedByPerson)
			noError(t, err)
		}},
		{"the next sign-in", "replaced", "alice", id, func(t *testing.T, w *world, b *browser, _ *session.Session) {
			r := b.request()
			_, err := w.Start(httptest.NewRecorder(), r.WithContext(reqid.With(r.Context(), id)), loginIn("bob", "s2"))
			noError(t, err)
		}},
		{"sid, at another replica", "backchannel_logout", "alice", id, func(t *testing.T, w *world, _ *browser, _ *session.Session) {
			_, err := stranger(t, w).EndSID(reqid.With(t.Context(), id), issuer, "s1", session.EndedByBackChannel)
			noError(t, err)
		}},
		{"sub, at another replica", "backchannel_logout", "alice", id, func(t *testing.T, w *world, _ *browser, _ *session.Session) {
			_, err := stranger(t, w).EndSubject(reqid.With(t.Context(), id), issuer, "alice", session.EndedByBackChannel)
			noError(t, err)
		}},
		{"handle", "admin", "alice", id, func(t *testing.T, w *world, b *browser, s *session.Session) {
			_, err := w.Authenticate(b.request()) // opened here
			noError(t, err)
			_, err = w.EndHandle(reqid.With(t.Context(), id), s.Handle, session.EndedByAdmin)
			noError(t, err)
		}},
		{"handle, of a session that nobody has opened", "admin", "", id, func(t *testing.T, w *world, _ *browser, s *session.Session) {
			_, err := stranger(t, w).EndHandle(reqid.With(t.Context(), id), s.Handle, session.EndedByAdmin)
			noError(t, err)
		}},
		{"a store that was down", "backchannel_logout", "alice", id, func(t *testing.T, w *world, _ *browser, _ *session.Session) {
			w.store.fail(&w.store.findErr)
			if _, err := w.EndSID(reqid.With(t.Context(), id), issuer, "s1", session.EndedByBackChannel); err == nil {
				t.Error("the store is down and nobody noticed")
			}
			w.store.heal()
			time.Sleep(time.Minute)
		}},
		{"max age", "max_age", "alice", "", func(t *testing.T, w *world, b *browser, _ *session.Session) {
			m := w.replica(t, func(c *session.Config) { c.MaxAge = time.Minute }) // lowered by the operator
			time.Sleep(2 * time.Minute)
			if _, err := m.Authenticate(b.request()); err == nil {
				t.Error("the session goes on")
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log syncBuilder
				w := newWorld(t, func(c *session.Config) {
					c.Store = indexOf{c.Store.(*faultyStore)}
					c.Audit = slog.New(slog.NewJSONHandler(&log, nil)).With("audit", true)
				})
				b, s := w.signInAs(t, w.Manager, loginIn("alice", "s1"), "firefox")
				tt.end(t, w, b, s)
				lines := strings.Split(strings.TrimSpace(log.String()), "\n")
				var line map[string]any
				if err := json.Unmarshal([]byte(lines[0]), &line); err != nil || len(lines) != 1 {
					t.Fatalf("want one line: %s", log.String())
				}
				want := map[string]any{"msg": "session ended", "audit": true, "session": s.Handle.String(), "reason": tt.reason, "sub": tt.sub, "request_id": tt.id}
				for name, value := range want {
					if value == "" {
						value = nil // absent
					}
					if line[name] != value {
						t.Errorf("%s is %v, want %v", name, line[name], value)
					}
				}
			})
		})
	}
}

// indexOf is the store of several managers: it tells none what it forgets.
type indexOf struct{ *faultyStore }

func (indexOf) OnForget(func(session.Handle, session.Record, bool)) {}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
