package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

const adminCanary = "canary-admin-token-0123456789abcdef"

// someSessions is a sessionAdmin that knows one session of alice.
type someSessions struct {
	one   session.Listed
	err   error
	ended []string // users and handles
}

func (s *someSessions) OfUser(_ context.Context, user string) ([]session.Listed, error) {
	if user != "alice" {
		return nil, s.err
	}
	return []session.Listed{s.one}, s.err
}

func (s *someSessions) EndUser(_ context.Context, user string, why session.Reason) (int, error) {
	s.ended = append(s.ended, string(why)+" "+user)
	if user != "alice" {
		return 0, s.err
	}
	return 2, s.err
}

func (s *someSessions) EndHandle(_ context.Context, h session.Handle, why session.Reason) (bool, error) {
	s.ended = append(s.ended, string(why)+" "+h.String())
	return h == s.one.Handle, s.err
}

// adminFixture is an admin listener with the API, whose log says errors alone.
type adminFixture struct {
	*someSessions
	handler http.Handler
	log     bytes.Buffer
	token   atomic.Pointer[secret.Text]
}

func newAdminFixture() *adminFixture {
	at := time.Date(2026, 11, 25, 8, 0, 0, 500, time.UTC)
	f := &adminFixture{someSessions: &someSessions{one: session.Listed{
		Handle: session.Handle{1}, IdP: "generic", Subject: "sub-alice", User: "alice", Email: "alice@example.com",
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", Address: "203.0.113.9",
		CreatedAt: at, LastSeen: at.Add(time.Minute), ExpiresAt: at.Add(time.Hour),
	}}}
	text := secret.New(adminCanary)
	f.token.Store(&text)
	logger := slog.New(slog.NewJSONHandler(&f.log, &slog.HandlerOptions{Level: slog.LevelError}))
	api := &sessionAPI{sessions: f.someSessions, token: &f.token, audit: newAuditLog(logger)}
	f.handler = newAdmin(&readiness{}, newRegistry(readBuild()), false, api, logger).Handler
	return f
}

func (f *adminFixture) ask(method, target string, authorization ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.RemoteAddr = "10.1.2.3:4711"
	r.Header["Authorization"] = authorization
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

const asAdmin = "Bearer " + adminCanary

func TestAdminSessions(t *testing.T) {
	id, stranger := session.Handle{1}.String(), session.Handle{2}.String()
	for _, tc := range []struct {
		name, method, target string
		err                  error
		status               int
		body, ended, audit   string // the last two are what was asked of the manager, and the line of the audit log
	}{
		{"list", "GET", "/sessions?user=alice", nil, 200,
			`{"sessions":[{"id":"` + id + `","idp":"generic","sub":"sub-alice","user":"alice","email":"alice@example.com","device":"Firefox on Linux",` +
				`"user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0","address":"203.0.113.9",` +
				`"created_at":"2026-11-25T08:00:00Z","last_seen":"2026-11-25T08:01:00Z","expires_at":"2026-11-25T09:00:00Z"}]}`,
			"", `"action":"list_sessions","remote":"10.1.2.3:4711","user":"alice","sessions":1,"outcome":"ok"`},
		{"list of nobody", "GET", "/sessions?user=nobody", nil, 200, `{"sessions":[]}`, "", `"user":"nobody","sessions":0,"outcome":"ok"`},
		{"end one", "DELETE", "/sessions/" + id, nil, 200, `{"ended":1}`, "admin " + id, `"action":"end_session","remote":"10.1.2.3:4711","session":"` + id + `","sessions":1,"outcome":"ok"`},
		{"end one that is not there", "DELETE", "/sessions/" + stranger, nil, 404, `"code":"no_such_session"`, "admin " + stranger, `"sessions":0,"outcome":"no_such_session"`},
		{"end all of a person", "DELETE", "/sessions?user=alice", nil, 200, `{"ended":2}`, "admin alice", `"action":"end_sessions","remote":"10.1.2.3:4711","user":"alice","sessions":2,"outcome":"ok"`},
		{"end all of nobody", "DELETE", "/sessions?user=nobody", nil, 200, `{"ended":0}`, "admin nobody", `"sessions":0,"outcome":"ok"`},

		{"list of everybody", "GET", "/sessions", nil, 400, `"code":"bad_request"`, "", `"action":"list_sessions","remote":"10.1.2.3:4711","sessions":0,"outcome":"bad_request"`},
		{"end everybody", "DELETE", "/sessions", nil, 400, `"code":"bad_request"`, "", `"outcome":"bad_request"`},
		{"end everybody with an empty name", "DELETE", "/sessions?user=", nil, 400, `"code":"bad_request"`, "", `"outcome":"bad_request"`},
		{"two people", "DELETE", "/sessions?user=alice&user=bob", nil, 400, `"code":"bad_request"`, "", `"outcome":"bad_request"`},
		{"a parameter that is not known", "DELETE", "/sessions?user=alice&idp=x", nil, 400, `"code":"bad_request"`, "", `"outcome":"bad_request"`},
		{"a malformed query", "DELETE", "/sessions?user=%zz", nil, 400, `"code":"bad_request"`, "", `"outcome":"bad_request"`},
		{"a name of a megabyte", "GET", "/sessions?user=" + strings.Repeat("a", 1<<20), nil, 400, `"code":"bad_request"`, "", `"outcome":"bad_request"`},
		{"no id", "DELETE", "/sessions/alice", nil, 400, `"code":"bad_request"`, "", `"outcome":"bad_request"`},
		{"another method", "POST", "/sessions?user=alice", nil, 405, "", "", ""},

		{"store down, list", "GET", "/sessions?user=alice", errStoreDown, 503, `"code":"store_unavailable"`, "", `"user":"alice","sessions":0,"outcome":"store_unavailable"`},
		{"store down, end one", "DELETE", "/sessions/" + id, errStoreDown, 503, `"code":"store_unavailable"`, "admin " + id, `"outcome":"store_unavailable"`},
		{"store down half-way", "DELETE", "/sessions?user=alice", errStoreDown, 503, `(2 session(s) of these have ended)`, "admin alice", `"sessions":2,"outcome":"store_unavailable"`},
		{"another failure", "GET", "/sessions?user=alice", errors.New("canary of the cause"), 500, `"code":"internal_error"`, "", `"outcome":"internal_error"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newAdminFixture()
			f.err = tc.err
			w := f.ask(tc.method, tc.target, asAdmin)
			if body := w.Body.String(); w.Code != tc.status || !strings.Contains(body, tc.body) || strings.Contains(body, "canary") {
				t.Errorf("%d %s\nwant %d %s", w.Code, body, tc.status, tc.body)
			}
			if got := strings.Join(f.ended, ","); got != tc.ended {
				t.Errorf("ended %q, want %q", got, tc.ended)
			}
			log := f.log.String()
			if !strings.Contains(log, tc.audit) || tc.audit != "" && (strings.Count(log, "\n") != 1 || !strings.Contains(log, `"audit":true`)) {
				t.Errorf("the audit log has\n%swant one line with\n%s", log, tc.audit)
			}
			if tc.status != 405 && w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control %q", w.Header().Get("Cache-Control"))
			}
			if (w.Code == 503) != (w.Header().Get("Retry-After") != "") {
				t.Errorf("%d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
		})
	}
}

var errStoreDown = &session.StoreError{Op: "find", Err: errors.New("i/o timeout")}

func TestAdminSessionsNeedTheToken(t *testing.T) {
	for name, fields := range map[string][]string{
		"none":                   nil,
		"empty":                  {""},
		"another scheme":         {"Basic " + adminCanary},
		"no scheme":              {adminCanary},
		"no token":               {"Bearer"},
		"an empty token":         {"Bearer "},
		"a wrong token":          {"Bearer canary-wrong-token-0123456789abcdef"},
		"the beginning of it":    {asAdmin[:len(asAdmin)-1]},
		"more than it":           {asAdmin + "x"},
		"two, of which one fits": {asAdmin, asAdmin},
	} {
		for _, request := range [][2]string{{"GET", "/sessions?user=alice"}, {"DELETE", "/sessions?user=alice"}, {"DELETE", "/sessions/" + session.Handle{1}.String()}} {
			f := newAdminFixture()
			w := f.ask(request[0], request[1], fields...)
			if w.Code != 401 || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), `Bearer realm="sallyport"`) || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %s %s is %d %v", name, request[0], request[1], w.Code, w.Header())
			}
			if len(f.ended) > 0 || strings.Contains(w.Body.String(), "sub-alice") {
				t.Errorf("%s: %s %s did something", name, request[0], request[1])
			}
			if log := f.log.String(); !strings.Contains(log, `"remote":"10.1.2.3:4711"`) || !strings.Contains(log, `"outcome":"unauthorized"`) || strings.Contains(log, "canary") {
				t.Errorf("%s: the audit log has %s", name, log)
			}
		}
	}
}

func TestAdminTokenIsExchanged(t *testing.T) {
	f := newAdminFixture()
	next := secret.New("canary-next-token-0123456789abcdefgh")
	f.token.Store(&next)
	if w := f.ask("GET", "/sessions?user=alice", asAdmin); w.Code != 401 {
		t.Errorf("the token before gets %d", w.Code)
	}
	if w := f.ask("GET", "/sessions?user=alice", "bearer "+next.Reveal()); w.Code != 200 {
		t.Errorf("the token after gets %d", w.Code)
	}
}

// The file of the token is read again, and one that is too short is not taken.
func TestAdminTokenFile(t *testing.T) {
	s, err := load(with(map[string]string{adminTokenName: adminCanary}))
	if err != nil {
		t.Fatal(err)
	}
	live := newLiveSecrets(s)
	token := &live.adminToken
	w := newSecretWatch(s, nil, live, slog.New(slog.DiscardHandler))
	if err := w.apply[adminTokenName]("short"); err == nil || token.Load().Reveal() != adminCanary {
		t.Errorf("a short token: %v", err)
	}
	next := strings.Repeat("n", minAdminToken)
	if err := w.apply[adminTokenName](next); err != nil || token.Load().Reveal() != next || w.last[adminTokenName] != adminCanary {
		t.Errorf("a good token: %v", err)
	}
}

func TestAuditLogKeepsItsLevel(t *testing.T) {
	var log bytes.Buffer
	audit := newAuditLog(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})))
	audit.With("a", 1).WithGroup("g").Info("done", "b", 2)
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil || line["audit"] != true || line["a"] != 1.0 || line["g"].(map[string]any)["b"] != 2.0 {
		t.Errorf("%v: %s", err, log.String())
	}
}
