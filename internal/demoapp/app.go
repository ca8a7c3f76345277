package demoapp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	defaultLogoutPath = "/oauth2/logout"
	defaultTick       = time.Second
	defaultWait       = 2 * time.Second
	longestWait       = 2 * time.Minute
)

// Config may be zero.
type Config struct {
	// LogoutPath is where the sign-out button posts to; empty means /oauth2/logout.
	LogoutPath string
	// Links are shown below the clocks.
	Links []Link
	// Tick is the pace of the clocks; zero means one second.
	Tick time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Link is a link on the page.
type Link struct {
	Label, URL string
}

type app struct{ cfg Config }

// New returns the application.
func New(cfg Config) http.Handler {
	if cfg.LogoutPath == "" {
		cfg.LogoutPath = defaultLogoutPath
	}
	if cfg.Tick == 0 {
		cfg.Tick = defaultTick
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &app{cfg: cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /api/whoami", whoami)
	mux.HandleFunc("POST /api/upload", upload)
	mux.HandleFunc("GET /ws", a.socket)
	mux.HandleFunc("GET /events", a.events)
	mux.HandleFunc("GET /slow", slow)
	mux.HandleFunc("GET /healthz", healthz)
	return mux
}

// whoami answers with what the application was told, as JSON.
func whoami(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, identityOf(r))
}

// upload reads the whole body and answers with its size and digest.
func upload(w http.ResponseWriter, r *http.Request) {
	digest := sha256.New()
	n, err := io.Copy(digest, r.Body)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "reading the body: " + err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"bytes": n, "sha256": hex.EncodeToString(digest.Sum(nil))})
}

// slow answers after ?for=<duration>, two seconds without it.
func slow(w http.ResponseWriter, r *http.Request) {
	wait := defaultWait
	if asked := r.URL.Query().Get("for"); asked != "" {
		d, err := time.ParseDuration(asked)
		if err != nil || d < 0 || d > longestWait {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "for must be a duration of at most " + longestWait.String()})
			return
		}
		wait = d
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		fmt.Fprintf(w, "answered after %s\n", wait)
	case <-r.Context().Done():
	}
}

// healthz is the application's own: the proxy in front must not shadow it.
func healthz(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "the application is well")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}
