package pages

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/reqid"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

func newRenderer(t testing.TB) *Renderer {
	t.Helper()
	p, err := New(Config{
		PublicURL:  &url.URL{Scheme: "https", Host: "app.example.com"},
		LogoutPath: "/oauth2/logout",
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// show answers a request of that Accept with what page writes.
func show(method, accept string, page func(http.ResponseWriter, *http.Request)) *http.Response {
	r := httptest.NewRequest(method, "https://app.example.com/reports/7?year=2026", nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	r.Header.Set("Accept-Encoding", "gzip, br")
	w := httptest.NewRecorder()
	w.Header().Set(reqid.Header, "4QXN7SGZ3MHVJX5LQ2C6TB7RAA")
	page(w, r)
	return w.Result()
}

func read(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// everyPage returns a page of each kind, with realistic and with hostile input.
func everyPage(p *Renderer) map[string]func(http.ResponseWriter, *http.Request) {
	pages := map[string]func(http.ResponseWriter, *http.Request){
		"signed-out": func(w http.ResponseWriter, r *http.Request) { p.SignedOut(w, r, "/oauth2/login?rd=%2F", false) },
		"signed-out-idp-remains": func(w http.ResponseWriter, r *http.Request) {
			p.SignedOut(w, r, "/oauth2/login?rd=%2F&prompt=select_account", true)
		},
		"confirm-sign-out": func(w http.ResponseWriter, r *http.Request) {
			p.ConfirmSignOut(w, r, "/oauth2/logout", "/reports?a=1&b=2")
		},
	}
	for name, choice := range map[string]Choice{"choose": twoOptions(), "choose-last": lastOption(), "choose-unknown": unknownAddress()} {
		pages[name] = func(w http.ResponseWriter, r *http.Request) { p.ChooseProvider(w, r, choice) }
	}
	for name, list := range map[string]OwnSessions{"sessions": threeSessions(), "sessions-alone": oneSession()} {
		pages[name] = func(w http.ResponseWriter, r *http.Request) { p.Sessions(w, r, list) }
	}
	for _, code := range fault.Codes() {
		pages["fault-"+string(code)] = func(w http.ResponseWriter, r *http.Request) {
			e := fault.New(code, nil)
			if e.Code == fault.SignInRequired || e.Code == fault.CallbackInvalid {
				e.RetryURL = "/oauth2/login?rd=%2Freports%2F7"
			}
			p.Fault(w, r, e)
		}
	}
	return pages
}

var inlineStyle = regexp.MustCompile(`(?s)<style>.*</style>`)

func TestGolden(t *testing.T) {
	pages := everyPage(newRenderer(t))
	for _, name := range []string{
		"signed-out", "signed-out-idp-remains", "confirm-sign-out", "sessions", "sessions-alone",
		"choose", "choose-last", "choose-unknown",
		"fault-internal_error", "fault-not_found", "fault-sign_in_required", "fault-group_not_allowed",
		"fault-callback_invalid", "fault-idp_unavailable", "fault-upstream_unreachable", "fault-idp_client_rejected",
	} {
		t.Run(name, func(t *testing.T) {
			got := read(t, show(http.MethodGet, browserAccept, pages[name]))
			got = inlineStyle.ReplaceAllString(got, "<style>assets/style.css</style>")
			got = strings.ReplaceAll(got, "><", ">\n<") + "\n" // an element a line
			file := filepath.Join("testdata", name+".html")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("run with -update if this is meant (-golden +got):\n%s", diff)
			}
		})
	}
}

func TestFaultAsJSON(t *testing.T) {
	p := newRenderer(t)
	e := fault.New(fault.SignInRequired, os.ErrPermission)
	e.RetryURL = "/oauth2/login?rd=%2Freports"
	res := show(http.MethodGet, "*/*", func(w http.ResponseWriter, r *http.Request) { p.Fault(w, r, e) })

	for name, want := range map[string]string{
		"Content-Type":     "application/problem+json",
		"Sallyport-Error":  "sign_in_required",
		"WWW-Authenticate": `Sallyport realm="app.example.com"`,
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(read(t, res)), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "urn:sallyport:error:sign_in_required", "title": e.Title, "status": 401.0, "code": "sign_in_required",
		"detail": e.Detail, "hint": e.Hint, "login_url": "/oauth2/login?rd=%2Freports", "request_id": "4QXN7SGZ3MHVJX5LQ2C6TB7RAA",
	}
	if diff := cmp.Diff(want, got); diff != "" || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d, body (-want +got):\n%s", res.StatusCode, diff)
	}
}

// A script that accepts HTML, as some libraries do by themselves, gets problem+json all
// the same; for a while faults alone went by Accept.
func TestFaultOfAScript(t *testing.T) {
	p := newRenderer(t)
	for mode, want := range map[string]string{"navigate": htmlType, "cors": problemType} {
		res := show(http.MethodGet, browserAccept, func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Sec-Fetch-Mode", mode)
			p.Fault(w, r, fault.New(fault.SignInRequired, nil))
		})
		if got := res.Header.Get("Content-Type"); got != want {
			t.Errorf("Sec-Fetch-Mode %s: %q, want %q", mode, got, want)
		}
	}
}

func TestEveryFaultAsJSON(t *testing.T) {
	pages := everyPage(newRenderer(t))
	for _, code := range fault.Codes() {
		res := show(http.MethodPost, "application/json", pages["fault-"+string(code)])
		var got problem
		if err := json.Unmarshal([]byte(read(t, res)), &got); err != nil {
			t.Errorf("%s: %v", code, err)
		}
		if got.Code != string(code) || got.Status != res.StatusCode || got.RequestID == "" {
			t.Errorf("%s: status %d, body %+v", code, res.StatusCode, got)
		}
		if (got.LoginURL != "") != (code == fault.SignInRequired) {
			t.Errorf("%s: login_url %q", code, got.LoginURL)
		}
	}
}

func TestKeepsTheCallersChallenge(t *testing.T) {
	p := newRenderer(t)
	res := show(http.MethodGet, "", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		p.Fault(w, r, fault.New(fault.SignInRequired, nil))
	})
	if got := res.Header.Values("WWW-Authenticate"); len(got) != 1 || got[0] != "Bearer" {
		t.Errorf("WWW-Authenticate: %q", got)
	}
}

func TestSignedOutAsJSON(t *testing.T) {
	p := newRenderer(t)
	res := show(http.MethodGet, "", func(w http.ResponseWriter, r *http.Request) { p.SignedOut(w, r, "/oauth2/login", true) })
	var got signedOut
	if err := json.Unmarshal([]byte(read(t, res)), &got); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 || got.Code != "signed_out" || !got.IdPSessionRemains || got.LoginURL != "/oauth2/login" || got.Hint == "" {
		t.Errorf("status %d, %+v", res.StatusCode, got)
	}
	if e := res.Header.Get("Sallyport-Error"); e != "" {
		t.Errorf("Sallyport-Error: %q on an answer that is no error", e)
	}
}

func TestConfirmSignOutNeedsAPage(t *testing.T) {
	p := newRenderer(t)
	res := show(http.MethodGet, "image/avif,*/*", everyPage(p)["confirm-sign-out"])
	if res.StatusCode != http.StatusForbidden || res.Header.Get("Sallyport-Error") != "cross_site_request" {
		t.Errorf("status %d, Sallyport-Error %q; want 403 cross_site_request", res.StatusCode, res.Header.Get("Sallyport-Error"))
	}
}

func TestHeadHasNoBody(t *testing.T) {
	for name, page := range everyPage(newRenderer(t)) {
		get, head := show(http.MethodGet, browserAccept, page), show(http.MethodHead, browserAccept, page)
		if body := read(t, head); body != "" {
			t.Errorf("%s: HEAD has a body of %d bytes", name, len(body))
		}
		if diff := cmp.Diff(get.Header, head.Header); diff != "" || get.StatusCode != head.StatusCode {
			t.Errorf("%s: HEAD differs from GET (-get +head):\n%s", name, diff)
		}
	}
}

func TestRetryAfterRoundsUp(t *testing.T) {
	p := newRenderer(t)
	for wait, want := range map[time.Duration]string{
		0: "", -time.Second: "", time.Millisecond: "1", time.Second: "1", 1500 * time.Millisecond: "2", 5 * time.Second: "5",
	} {
		res := show(http.MethodGet, "", func(w http.ResponseWriter, r *http.Request) {
			e := fault.New(fault.Internal, nil)
			e.RetryAfter = wait
			p.Fault(w, r, e)
		})
		if got := res.Header.Get("Retry-After"); got != want {
			t.Errorf("RetryAfter %v: Retry-After %q, want %q", wait, got, want)
		}
	}
}

func TestCauseIsNeverShown(t *testing.T) {
	p := newRenderer(t)
	e := fault.New(fault.Internal, &os.PathError{Op: "open", Path: "/canary-of-the-cause", Err: os.ErrNotExist})
	for _, accept := range []string{browserAccept, "*/*"} {
		res := show(http.MethodGet, accept, func(w http.ResponseWriter, r *http.Request) { p.Fault(w, r, e) })
		if body := read(t, res); regexp.MustCompile("canary").MatchString(body) {
			t.Errorf("Accept %q: the cause is in %q", accept, body)
		}
	}
}

func TestRequestIDFromTheContext(t *testing.T) {
	p := newRenderer(t)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r = r.WithContext(reqid.With(r.Context(), "from-the-context"))
	w := httptest.NewRecorder()
	p.Fault(w, r, fault.New(fault.NotFound, nil))
	var got problem
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.RequestID != "from-the-context" {
		t.Errorf("request_id %q, %v", got.RequestID, err)
	}
}

func TestNewNeedsItsConfig(t *testing.T) {
	site := &url.URL{Scheme: "https", Host: "app.example.com"}
	for name, c := range map[string]Config{
		"no public URL":        {LogoutPath: "/oauth2/logout"},
		"no host":              {PublicURL: &url.URL{Path: "/x"}, LogoutPath: "/oauth2/logout"},
		"no logout path":       {PublicURL: site},
		"logout path as a URL": {PublicURL: site, LogoutPath: "https://idp.example.com/logout"},
	} {
		if p, err := New(c); err == nil {
			t.Errorf("%s: New = %v, want an error", name, p)
		}
	}
}

func TestStaySignedInLeadsToTheBasePath(t *testing.T) {
	for path, want := range map[string]string{"": "/", "/": "/", "/base": "/base/", "/base/": "/base/"} {
		p, err := New(Config{PublicURL: &url.URL{Scheme: "https", Host: "h", Path: path}, LogoutPath: "/oauth2/logout"})
		if err != nil || p.home != want {
			t.Errorf("public path %q: home %q, %v; want %q", path, p.home, err, want)
		}
	}
}
