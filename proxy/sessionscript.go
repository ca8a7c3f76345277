package proxy

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"time"
)

// sessionScriptText is what an app may include to learn of the end of its session
// (docs/integrations/spa.md). It is the same for everybody.
//
//go:embed session.js
var sessionScriptText []byte

// sessionScript is GET /session.js. A cache may keep the script and asks each time
// whether it is still that, so that after an upgrade no old one runs on.
func sessionScript() Route {
	sum := sha256.Sum256(sessionScriptText)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	serve := func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Del("Vary")
		h.Set("Cache-Control", "no-cache")
		h.Set("Etag", etag)
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(sessionScriptText))
	}
	return Route{Path: "/session.js", Name: "session_script", Methods: []string{http.MethodGet}, Handler: http.HandlerFunc(serve)}
}
