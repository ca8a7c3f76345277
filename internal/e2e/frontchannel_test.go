package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// sidOf returns the sid of the ID token that the app is given.
func (r *replicas) sidOf(b *browser) string {
	r.t.Helper()
	_, body, err := r.ask(r.a, b, http.MethodGet, "/api")
	if err != nil {
		r.t.Fatal(err)
	}
	var seen struct{ Headers [][2]string }
	if err := json.Unmarshal([]byte(body), &seen); err != nil {
		r.t.Fatalf("the app answers %s", body)
	}
	for _, h := range seen.Headers {
		if !strings.EqualFold(h[0], "X-Forwarded-Id-Token") {
			continue
		}
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(h[1], ".")[1])
		if err != nil {
			r.t.Fatal(err)
		}
		return parse(string(payload)).text("sid")
	}
	r.t.Fatal("the app is given no ID token")
	return ""
}

// LO-12: a frame without cookies ends the session of its sid at both replicas, and
// answers a guess in the same way.
func TestFrontChannelLogout(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, 300, 0, "SALLYPORT_PASS_ID_TOKEN=true")
	b := newBrowser(t)
	r.signIn(b, "/", "ada")
	sid := r.sidOf(b)
	if sid == "" {
		t.Fatal("the provider gives no sid")
	}
	frame := func(sid string) (status int, header http.Header, body string) {
		t.Helper()
		stranger := newBrowser(t)
		p := stranger.send(http.MethodGet, r.public+prefix+"/logout/frontchannel?"+url.Values{"iss": {r.issuer}, "sid": {sid}}.Encode(), nil,
			http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"iframe"}})
		return p.status, p.header, p.body
	}
	status, header, guessed := frame("guess")
	if csp := header.Get("Content-Security-Policy"); status != http.StatusOK || !strings.Contains(csp, "frame-ancestors "+r.issuer) || header.Get("X-Frame-Options") != "" {
		t.Errorf("%d, %v: the provider cannot frame it", status, header)
	}
	if got, _, err := r.ask(r.b, b, http.MethodGet, "/api"); err != nil || got != http.StatusOK {
		t.Errorf("a guess ended the session: %d, %v", got, err)
	}
	if status, _, body := frame(sid); status != http.StatusOK || body != guessed {
		t.Errorf("%d %q, want what a guess gets", status, body)
	}
	for _, replica := range []*replica{r.a, r.b} {
		r.await("401", func() bool {
			status, _, err := r.ask(replica, b, http.MethodGet, "/api")
			return err == nil && status == http.StatusUnauthorized
		})
	}
	line := r.sallyport.awaitRecord(record{"msg": "session ended", "reason": "frontchannel_logout"})
	if line.text("sub") != "ada" || line.text("request_id") == "" {
		t.Errorf("the log says %v", line)
	}
}
