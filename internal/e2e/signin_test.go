package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// signIn goes to path as somebody who is not signed in, passes the provider's form as
// login, and returns where that led.
func (w *world) signIn(b *browser, path, login string) page {
	w.t.Helper()
	defer w.signedIn(time.Now())
	p := b.open(w.public + path)
	if !strings.HasPrefix(p.at.String(), w.issuer+"/interaction/") {
		w.t.Fatalf("not at the provider's sign-in form but at %s: %d\n%s", p.at, p.status, p.body)
	}
	return b.submit(p, url.Values{"login": {login}})
}

func TestSignIn(t *testing.T) {
	tests := []struct {
		name, signing, login                  string
		user, email, preferredUsername, group string
	}{
		{"RS256", "RS256", "ada", "ada", "ada@example.com", "ada", "engineering,admins"},
		{"ES256, names beyond ASCII and separators in groups", "ES256", "zoe", "zoe", "zoe@example.com", "Zoë", "R&D%2C Europe,50%25"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := planWorld(t)
			w.signing = test.signing
			w.startProvider()
			w.startSallyport()
			w.awaitReady()

			p := w.signIn(newBrowser(t), "/reports/2026?tab=open&x=%2F", test.login)
			if p.at.String() != w.public+"/reports/2026?tab=open&x=%2F" {
				t.Errorf("ended at %s", p.at)
			}
			got := p.received()
			if got.URL != "/reports/2026?tab=open&x=%2F" {
				t.Errorf("the application saw %s", got.URL)
			}
			for name, want := range map[string]string{
				"X-Forwarded-User":               test.user,
				"X-Forwarded-Email":              test.email,
				"X-Forwarded-Preferred-Username": test.preferredUsername,
				"X-Forwarded-Groups":             test.group,
				"X-Forwarded-Proto":              "http",
				"X-Forwarded-Host":               strings.TrimPrefix(w.public, "http://"),
				"Host":                           strings.TrimPrefix(w.public, "http://"),
			} {
				if values := got.values(name); !slices.Equal(values, []string{want}) {
					t.Errorf("%s is %q, want %q once", name, values, want)
				}
			}
			for _, name := range []string{"Cookie", "Authorization", "X-Forwarded-Access-Token", "X-Forwarded-Id-Token"} {
				if values := got.values(name); values != nil {
					t.Errorf("the application received %s %q", name, values)
				}
			}
		})
	}
}

// What a client sends under the names of identity never arrives, in any spelling.
func TestForgedIdentityIsRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t)
	w.signIn(b, "/", "grace")
	b.header = http.Header{
		"X-Forwarded-User":      {"root"},
		"X-Forwarded-Groups":    {"admins"},
		"x_forwarded_user":      {"root"},
		"X_Forwarded.Groups":    {"admins"},
		"X-Auth-Request-User":   {"root"},
		"Remote-User":           {"root"},
		"X-Sallyport-Assertion": {"e30.e30."},
		"Forwarded":             {"for=10.0.0.1"},
		"X-Real-Ip":             {"10.0.0.1"},
		"Connection":            {"X-Forwarded-Email"},
	}
	got := b.open(w.public + "/").received()
	for _, pair := range got.Headers {
		if strings.Contains(pair[1], "root") || strings.Contains(pair[1], "admins") || strings.Contains(pair[1], "10.0.0.1") || pair[1] == "e30.e30." {
			t.Errorf("%s: %s arrived", pair[0], pair[1])
		}
	}
	if values := got.values("X-Forwarded-Email"); !slices.Equal(values, []string{"grace@example.com"}) {
		t.Errorf("X-Forwarded-Email is %q", values)
	}
}

// Requests of scripts are told, not redirected (contract: 401 problem+json).
func TestScriptsGet401(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newBrowser(t).fetch(http.MethodPost, w.public+"/api/orders")
	var problem struct {
		Status    int
		Code      string
		LoginURL  string `json:"login_url"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(p.body), &problem); err != nil {
		t.Fatalf("%d %s: %v", p.status, p.body, err)
	}
	if p.status != http.StatusUnauthorized || p.header.Get("Content-Type") != "application/problem+json" || len(p.via) > 0 {
		t.Errorf("status %d, content type %q, redirects %v", p.status, p.header.Get("Content-Type"), p.via)
	}
	if problem.Status != http.StatusUnauthorized || problem.Code == "" || problem.RequestID == "" || p.header.Get("Cache-Control") != "no-store" {
		t.Errorf("problem %+v, headers %v", problem, p.header)
	}
	if p.header.Get("Sallyport-Error") != problem.Code || p.header.Get("Www-Authenticate") == "" {
		t.Errorf("headers %v", p.header)
	}
	login, err := url.Parse(problem.LoginURL)
	if err != nil || !strings.HasPrefix(w.public+login.RequestURI(), w.public+prefix+"/login") {
		t.Errorf("login_url %q", problem.LoginURL)
	}
}

func TestFiveTabs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t)
	paths := []string{"/one", "/two", "/three", "/four", "/five"}
	var tabs []page
	for _, path := range paths {
		tabs = append(tabs, b.open(w.public+path))
	}
	for i, tab := range tabs {
		p := b.submit(tab, url.Values{"login": {"ada"}})
		if p.at.Path != paths[i] || !slices.Equal(p.received().values("X-Forwarded-User"), []string{"ada"}) {
			t.Errorf("tab %s ended at %s: %d", paths[i], p.at, p.status)
		}
	}
}

func TestStreamsAndUploadsPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t)
	w.signIn(b, "/", "ada")

	t.Run("server-sent events arrive one by one", func(t *testing.T) {
		response, err := b.client.Get(w.public + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		buffer := make([]byte, 1<<10)
		n, err := response.Body.Read(buffer)
		// the application's stream never ends: a buffering proxy would give nothing
		if err != nil || string(buffer[:n]) != "data: 1\n\n" {
			t.Errorf("read %q, %v", buffer[:n], err)
		}
	})
	t.Run("a body without a length", func(t *testing.T) {
		const megabytes = 16
		body := strings.NewReader(strings.Repeat("sallyport", megabytes<<20/9))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.public+"/upload", struct{ readOnly }{readOnly{body}})
		if err != nil {
			t.Fatal(err)
		}
		response, err := b.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var got received
		if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.Method != http.MethodPut || got.Bytes != int(body.Size()) || got.values("Transfer-Encoding") == nil {
			t.Errorf("the application read %d bytes by %s, headers %v", got.Bytes, got.Method, got.Headers)
		}
	})
}

// readOnly hides everything but Read, so that net/http sends chunks.
type readOnly struct{ from *strings.Reader }

func (r readOnly) Read(p []byte) (int, error) { return r.from.Read(p) }

// Nothing that the process prints may let anyone act as a person or as the client.
func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SALLYPORT_LOG_LEVEL=debug")
	b := newBrowser(t)
	p := w.signIn(b, "/", "ada")
	var secrets []string
	for _, step := range p.via {
		for _, name := range []string{"code", "state", "nonce", "code_challenge"} {
			if value := step.Query().Get(name); value != "" {
				secrets = append(secrets, value)
			}
		}
	}
	if len(secrets) == 0 {
		t.Fatal("the callback was not seen, so nothing was checked")
	}
	public, err := url.Parse(w.public)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(public) {
		secrets = append(secrets, c.Value)
	}
	secrets = append(secrets, clientSecret)
	w.sallyport.stop()
	jwt := regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.`)
	for _, line := range w.sallyport.output() {
		if jwt.MatchString(line) {
			t.Errorf("a token was printed: %s", line)
		}
		for _, s := range secrets {
			if strings.Contains(line, s) || strings.Contains(line, url.QueryEscape(s)) {
				t.Errorf("a secret was printed: %s", line)
			}
		}
	}
}
