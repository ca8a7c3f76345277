package proxy

import (
	"bytes"
	"strings"
	"testing"
)

func TestSessionScript(t *testing.T) {
	f := newFixture(t, nil)
	a := f.get("/oauth2/session.js", "Cookie: "+valid)
	a.wantStatus(t, 200)
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control": "no-cache", "Vary": "", "Set-Cookie": "", "Access-Control-Allow-Origin": "",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if a.body != string(sessionScriptText) {
		t.Error("the body is not the script")
	}
	etag := a.Header.Get("Etag")
	if again := f.get("/oauth2/session.js", "If-None-Match: "+etag); again.StatusCode != 304 || again.body != "" || again.Header.Get("Etag") != etag {
		t.Errorf("asked again: %d %v", again.StatusCode, again.Header)
	}
	f.get("/oauth2/session.js", `If-None-Match: "another"`).wantStatus(t, 200)
	if head := f.send(request("HEAD", "/oauth2/session.js")); head.StatusCode != 200 || head.body != "" {
		t.Errorf("HEAD: %d", head.StatusCode)
	}
	f.send(request("POST", "/oauth2/session.js", "Content-Length: 0")).wantStatus(t, 405)
	if f.auth.asked+f.auth.peeked != 0 {
		t.Error("the script asks who is there")
	}
	f.app.wantNone(t)
}

// A strict Content-Security-Policy has to allow it: script-src 'self' and
// connect-src 'self', nothing more.
func TestSessionScriptIsStrict(t *testing.T) {
	if !bytes.Contains(sessionScriptText, []byte(`"use strict";`)) {
		t.Error("the script is sloppy")
	}
	for _, loose := range []string{"eval", "Function(", "innerHTML", "insertAdjacentHTML", "document.write", "localStorage", "http://", "https://", "import("} {
		if strings.Contains(string(sessionScriptText), loose) {
			t.Errorf("the script has %q", loose)
		}
	}
}
