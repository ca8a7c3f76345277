package e2e

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/loopback"
)

const (
	clientID     = "sallyport"
	clientSecret = "the secret, with 50% of : and ~ in it"
	prefix       = "/oauth2"
)

// world is a provider and an application that are not ours, and Sallyport
// between them.
type world struct {
	t         *testing.T
	provider  *process // nil until startProvider
	app       *process
	sallyport *process
	issuer    string
	public    string // Sallyport's origin
	admin     string // origin of the admin listener
	signing   string // algorithm of ID tokens, "" for the provider's default
	tokenLife int    // of access tokens, in seconds; 0 for the provider's default
	tokenSlow int    // milliseconds that answers of the token endpoint are held back

	groups       []string       // of everybody, beside their own
	registered   map[string]any // metadata of the client instead of its secret, or nil
	openerPolicy string         // Cross-Origin-Opener-Policy of the provider's pages, "" for none
	pushed       bool           // the provider requires pushed authorization requests
	mutualTLS    map[string]any // the provider's listener for clients with certificates, or nil

	slowest time.Duration // of the sign-ins so far
}

// newWorld starts everything and waits until Sallyport is ready.
func newWorld(t *testing.T, env ...string) *world {
	t.Helper()
	w := planWorld(t)
	w.startProvider()
	w.startSallyport(env...)
	w.awaitReady()
	return w
}

// planWorld chooses addresses and starts the application alone. Sallyport and
// provider have different host names, as in earnest, so that cookies, which
// ignore ports, do not mix.
func planWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t:      t,
		issuer: "http://127.0.0.1:" + freePort(t),
		public: "http://localhost:" + freePort(t),
	}
	w.app = start(t, "app", nil, node(t), "app/app.mjs")
	w.app.awaitRecord(record{"event": "listening"})
	return w
}

// freePort returns a port of the loopback on which nobody listens until the test ends but
// programs that are told of it.
func freePort(t *testing.T) string {
	t.Helper()
	port, err := loopback.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	return port.String()
}

func node(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is not on this machine: `make test` installs what these tests need, or says what is missing")
	}
	return path
}

// startProvider runs npm oidc-provider at w.issuer.
func (w *world) startProvider() {
	w.t.Helper()
	w.provider = startProvider(w.t, "npm oidc-provider", map[string]any{
		"issuer":                 w.issuer,
		"clientId":               clientID,
		"clientSecret":           clientSecret,
		"redirectUris":           []string{w.public + prefix + "/callback"},
		"postLogoutRedirectUris": []string{w.public + prefix + "/logout/callback"},
		"backchannelLogoutUri":   w.public + prefix + "/logout/backchannel",
		"signingAlg":             w.signing,
		"accessTokenTTL":         w.tokenLife,
		"tokenDelay":             w.tokenSlow,
		"groups":                 w.groups,
		"client":                 w.registered,
		"pushed":                 w.pushed,
		"openerPolicy":           w.openerPolicy,
		"mutualTLS":              w.mutualTLS,
	})
}

// startProvider runs npm oidc-provider with a configuration that provider.mjs explains.
func startProvider(t *testing.T, name string, config map[string]any) *process {
	t.Helper()
	if _, err := os.Stat("oidc-provider/node_modules/oidc-provider"); errors.Is(err, fs.ErrNotExist) {
		t.Fatal("npm oidc-provider is not installed: run `make test`, or `npm ci --prefix internal/e2e/oidc-provider`")
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, name, nil, node(t), "oidc-provider/provider.mjs", string(text))
	p.awaitRecord(record{"event": "listening"})
	return p
}

// environment is all that an operator has to say, with the addresses of this
// world; later entries of more win.
func (w *world) environment(more ...string) []string {
	w.t.Helper()
	return append([]string{
		"SALLYPORT_PUBLIC_URL=" + w.public,
		"SALLYPORT_UPSTREAM=http://" + w.app.awaitRecord(record{"event": "listening"}).text("address"),
		"SALLYPORT_OIDC_ISSUER=" + w.issuer,
		"SALLYPORT_OIDC_CLIENT_ID=" + clientID,
		"SALLYPORT_OIDC_CLIENT_SECRET=" + clientSecret,
		"SALLYPORT_SECRET=" + keygen(w.t),
		// Where it listens has a default, which tests cannot share.
		"SALLYPORT_LISTEN=127.0.0.1:" + portOf(w.public),
		"SALLYPORT_ADMIN_LISTEN=127.0.0.1:0",
	}, more...)
}

func portOf(origin string) string { return origin[strings.LastIndex(origin, ":")+1:] }

// keygen asks the binary for a fresh SALLYPORT_SECRET.
func keygen(t *testing.T) string {
	t.Helper()
	out, err := exec.Command(binaries.sallyport, "keygen").Output()
	if err != nil {
		t.Fatalf("sallyport keygen: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// startSallyport runs `sallyport serve` and learns where its admin listener is.
func (w *world) startSallyport(env ...string) {
	w.t.Helper()
	w.sallyport = start(w.t, "sallyport", w.environment(env...), binaries.sallyport, "serve")
	w.sallyport.awaitRecord(record{"msg": "listening", "listener": "proxy"})
	w.admin = "http://" + w.sallyport.awaitRecord(record{"msg": "listening", "listener": "admin"}).text("address")
}

// readyz returns the status of /readyz, or 0 when nobody answers.
func (w *world) readyz() int {
	response, err := http.Get(w.admin + "/readyz")
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

func (w *world) awaitReady() {
	w.t.Helper()
	w.await("/readyz to answer 200", func() bool { return w.readyz() == http.StatusOK })
}

// signedIn notes how long a sign-in took that began then.
func (w *world) signedIn(began time.Time) { w.slowest = max(w.slowest, time.Since(began)) }

// atMost is how long something may take here that is promised within a time: on a machine
// that is busy with other things, as long as three sign-ins do, which have as many steps.
func (w *world) atMost(promised time.Duration) time.Duration { return max(promised, 3*w.slowest) }

// await polls another process until happened, at most for patience.
func (w *world) await(what string, happened func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !happened() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited %s for %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
