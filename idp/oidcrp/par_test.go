package oidcrp

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
)

// servePushed keeps a request for serveAuthorize (RFC 9126 §2).
func (h *hostile) servePushed(w http.ResponseWriter, r *http.Request) {
	h.record(r)
	if h.deny != nil && h.deny(w, r) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.push != nil && h.push(w) {
		return
	}
	reference := fmt.Sprintf("urn:ietf:params:oauth:request_uri:%d", len(h.pushed))
	if h.pushed == nil {
		h.pushed = map[string]url.Values{}
	}
	h.pushed[reference] = maps.Clone(r.PostForm)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(encodeTestJSON(map[string]any{"request_uri": reference, "expires_in": 60}))
}

// offersPushing adds the endpoint to the metadata.
func (h *hostile) offersPushing(required bool) {
	h.metadata = func(m map[string]any) {
		m["pushed_authorization_request_endpoint"] = h.URL + "/par"
		m["require_pushed_authorization_requests"] = required
	}
}

func TestPushedRequests(t *testing.T) {
	for _, tt := range []struct {
		name     string
		required bool
		when     PushedRequests
		want     bool
	}{
		{"as the provider likes, and it does not mind", false, "", false},
		{"auto, and it does not mind", false, PushedAuto, false},
		{"auto, and the metadata require it", true, PushedAuto, true},
		{"always", false, PushedAlways, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			h.offersPushing(tt.required)
			w := newWorld(t, h, func(c *Config) { c.PushedRequests = tt.when })
			location, err := url.Parse(w.get("/reports").Header.Get("Location"))
			must(t, err)
			shown := location.Query()
			calls := h.got("/par")
			if !tt.want {
				if len(calls) != 0 || shown.Has("request_uri") || !shown.Has("code_challenge") {
					t.Fatalf("%d requests were pushed, the browser is sent to %s", len(calls), location)
				}
				return
			}
			if len(calls) != 1 {
				t.Fatalf("%d requests were pushed, want 1", len(calls))
			}
			if names := slices.Sorted(maps.Keys(shown)); !slices.Equal(names, []string{"client_id", "request_uri"}) || shown.Get("client_id") != testClient {
				t.Errorf("the browser is sent to %s; want client_id and request_uri alone", location)
			}
			form := calls[0].form
			for _, name := range []string{"response_type", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"} {
				if len(form[name]) != 1 || form.Get(name) == "" {
					t.Errorf("%s = %q, want one value", name, form[name])
				}
			}
			if form.Has("request_uri") || calls[0].authorization == "" {
				t.Errorf("request_uri sent: %t, client authenticated: %t", form.Has("request_uri"), calls[0].authorization != "")
			}
			w.newBrowser()
			if res := w.signIn("/reports"); res.Header.Get("Location") != "/reports" || w.signedIn() != "alice" {
				t.Errorf("signing in led to %q as %q; log:\n%s", res.Header.Get("Location"), w.signedIn(), w.log)
			}
		})
	}
}

func TestPushedRequestsAuthenticate(t *testing.T) {
	for _, auth := range []ClientAuth{ClientSecretBasic, ClientSecretBasicRaw, ClientSecretPost, PrivateKeyJWT, ClientAuthNone} {
		t.Run(string(auth), func(t *testing.T) {
			h := newHostile(t)
			h.offersPushing(true)
			w := newWorld(t, h, func(c *Config) { c.ClientAuth = auth; useKey(t, "ES256")(c) })
			w.get("/")
			call := h.got("/par")[0]
			inHeader := auth == ClientSecretBasic || auth == ClientSecretBasicRaw
			if call.form.Get("client_id") != testClient {
				t.Errorf("client_id = %q; RFC 9126 wants it whatever the authentication", call.form.Get("client_id"))
			}
			if (call.authorization != "") != inHeader || call.form.Has("client_secret") != (auth == ClientSecretPost) {
				t.Errorf("in the header: %t, in the form: %t", call.authorization != "", call.form.Has("client_secret"))
			}
			if auth == PrivateKeyJWT {
				if _, claims := assertionOf(t, call.form, "ES256"); claims["aud"] != h.URL {
					t.Errorf("OF-14 aud = %v, want %q", claims["aud"], h.URL)
				}
			}
		})
	}
}

func TestPushingFails(t *testing.T) {
	says := func(status int, body string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter) bool
		code   fault.Code
		log    string
	}{
		{"invalid_client", says(401, `{"error":"invalid_client"}`), fault.ClientRejected, "SALLYPORT_OIDC_CLIENT_SECRET"},
		{"401 without an OAuth error", says(401, `nope`), fault.ClientRejected, "SALLYPORT_OIDC_CLIENT_SECRET"},
		{"401 unauthorized_client", says(401, `{"error":"unauthorized_client"}`), fault.ClientRejected, "SALLYPORT_OIDC_CLIENT_SECRET"},
		{"an error that is no text", says(400, `{"error":{"code":7}}`), fault.IdPError, "status 400"},
		{"invalid_scope", says(400, `{"error":"invalid_scope","error_description":"no such scope"}`), fault.ClientRejected, "SALLYPORT_OIDC_SCOPES"},
		{"invalid_target", says(400, `{"error":"invalid_target"}`), fault.ClientRejected, "SALLYPORT_OIDC_RESOURCE"},
		{"invalid_request", says(400, `{"error":"invalid_request"}`), fault.ClientRejected, "SALLYPORT_OIDC_EXTRA_PARAMS"},
		{"too many requests", says(429, ``), fault.IdPError, "status 429"},
		{"out of order", says(503, `<html>`), fault.IdPError, "status 503"},
		{"no such endpoint", says(404, `<html>`), fault.IdPError, "status 404"},
		{"a redirect", func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "https://evil.example.com/par")
			w.WriteHeader(307)
			return true
		}, fault.IdPError, "redirects are refused"},
		{"not JSON", says(201, `<html>`), fault.IdPError, "pushed_authorization"},
		{"no request_uri", says(201, `{"expires_in":60}`), fault.IdPError, "request_uri"},
		{"request_uri is no text", says(201, `{"request_uri":["urn:x"]}`), fault.IdPError, "request_uri"},
		{"request_uri twice", says(201, `{"request_uri":"urn:a","request_uri":"urn:b"}`), fault.IdPError, "pushed_authorization"},
		{"request_uri without end", says(201, `{"request_uri":"`+strings.Repeat("x", maxRequestURI+1)+`"}`), fault.IdPError, "request_uri"},
		{"a body without end", says(201, `{"request_uri":"urn:a","x":"`+strings.Repeat("x", maxAnswer)+`"}`), fault.IdPError, "more than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			h.offersPushing(true)
			h.push = tt.answer
			w := newWorld(t, h, nil)
			res := w.get("/")
			if res.Header.Get("Sallyport-Error") != string(tt.code) || res.Header.Get("Location") != "" || len(res.Cookies()) != 0 {
				t.Errorf("status %d, fault %q, Location %q, %d cookies; want the page of %s and nothing else", res.StatusCode, res.Header.Get("Sallyport-Error"), res.Header.Get("Location"), len(res.Cookies()), tt.code)
			}
			if calls := h.got("/par"); len(calls) != 1 {
				t.Errorf("%d requests were pushed, want 1", len(calls))
			}
			if !strings.Contains(w.log.String(), tt.log) {
				t.Errorf("the log does not mention %s:\n%s", tt.log, w.log)
			}
		})
	}
}

// A provider that quotes the request it refuses does not get state and nonce into
// the log.
func TestPushedSecretsAreConcealed(t *testing.T) {
	h := newHostile(t)
	h.offersPushing(true)
	h.push = func(w http.ResponseWriter) bool {
		sent := h.requests[len(h.requests)-1].form
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(encodeTestJSON(map[string]any{"error": "invalid_request", "error_description": "state " + sent.Get("state") + " nonce " + sent.Get("nonce")}))
		return true
	}
	w := newWorld(t, h, nil)
	w.get("/")
	sent := h.got("/par")[0].form
	for _, name := range []string{"state", "nonce"} {
		if log := w.log.String(); strings.Contains(log, sent.Get(name)) || !strings.Contains(log, "[concealed]") {
			t.Errorf("the log has the %s:\n%s", name, log)
		}
	}
}

func TestPushingIsDiscovered(t *testing.T) {
	for _, tt := range []struct {
		name    string
		address any
		require bool
		when    PushedRequests
		want    string // of the error; "" = none
	}{
		{"neither offered nor asked for", nil, false, PushedAuto, ""},
		{"asked for and not offered", nil, false, PushedAlways, "SALLYPORT_OIDC_PAR is always and the provider's metadata name no pushed_authorization_request_endpoint; use auto"},
		{"required and not offered", nil, true, PushedAuto, "require pushed authorization requests (RFC 9126) and name no pushed_authorization_request_endpoint"},
		{"an address that is none", "par", true, PushedAuto, `pushed_authorization_request_endpoint is "par", not a plain absolute URL`},
		{"an address of another kind", "ftp://idp.example.com/par", false, PushedAlways, "it must be https"},
		{"an address that is none and not needed", "par", false, PushedAuto, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			h.metadata = func(m map[string]any) {
				m["require_pushed_authorization_requests"] = tt.require
				if tt.address != nil {
					m["pushed_authorization_request_endpoint"] = tt.address
				}
			}
			w := prepareWorld(t, h, func(c *Config) { c.PushedRequests = tt.when })
			err := w.client.discover(t.Context())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("discovery: %v, want %q", err, tt.want)
			}
		})
	}
}

// Requests, with the client's secret, do not go to a host that appears later.
func TestPushedRequestsStayAtTheProvider(t *testing.T) {
	h := newHostile(t)
	h.offersPushing(true)
	w := newWorld(t, h, nil)
	h.set(func() {
		h.metadata = func(m map[string]any) {
			m["pushed_authorization_request_endpoint"] = "https://evil.example.com/par"
			m["require_pushed_authorization_requests"] = true
		}
	})
	if err := w.client.discover(t.Context()); err == nil || !strings.Contains(err.Error(), "evil.example.com") {
		t.Errorf("discovery: %v, want a refusal of the host", err)
	}
	if w.get("/"); len(h.got("/par")) != 1 {
		t.Error("the request did not go to the endpoint before")
	}
}
