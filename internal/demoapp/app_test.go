package demoapp_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/sallyport/sallyport/internal/demoapp"
)

func serve(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	demoapp.New(demoapp.Config{}).ServeHTTP(w, r)
	return w
}

func TestHomeShowsWhatTheProxySays(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("X-Forwarded-User", "ada")
	r.Header.Set("X-Forwarded-Email", "ada@example.com")
	r.Header.Set("X-Forwarded-Preferred-Username", "ada <b>")
	r.Header.Set("X-Forwarded-Groups", "engineering,R%26D%2C50%25")
	r.Header.Set("X-Sallyport-Assertion", "e30.eyJzdWIiOiJhZGEifQ.c2ln")
	r.Header.Set("User-Agent", "not-about-identity")
	w := serve(t, r)
	body := w.Body.String()
	for _, want := range []string{
		`data-greeting>Hello, Ada<`, `data-email>ada@example.com<`,
		`data-group="engineering"`, `data-group="R&amp;D,50%"`,
		`data-header="X-Forwarded-User"`, `ada &lt;b&gt;`, "&#34;sub&#34;: &#34;ada&#34;",
		`action="/oauth2/logout"`, "Cookies received: none",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("page lacks %s", want)
		}
	}
	if strings.Contains(body, "not-about-identity") {
		t.Error("page shows a header that is none of its business")
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
}

func TestGreeting(t *testing.T) {
	tests := []struct {
		name    string
		headers map[string]string
		want    string
	}{
		{"nobody", nil, "Hello, stranger"},
		{"full name", map[string]string{"X-Forwarded-Preferred-Username": "Grace Hopper"}, "Hello, Grace<"},
		{"user name", map[string]string{"X-Forwarded-Preferred-Username": "grace"}, "Hello, Grace<"},
		{"name is an address", map[string]string{"X-Forwarded-Preferred-Username": "alan@example.com"}, "Hello, Alan<"},
		{"e-mail alone", map[string]string{"X-Forwarded-Email": "élise@example.com"}, "Hello, Élise<"},
		{"user alone", map[string]string{"X-Forwarded-User": "u42"}, "Hello, U42<"},
		{"blank", map[string]string{"X-Forwarded-Preferred-Username": "  "}, "Hello, stranger<"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			for name, value := range test.headers {
				r.Header.Set(name, value)
			}
			if body := serve(t, r).Body.String(); !strings.Contains(body, test.want) {
				t.Errorf("page lacks %q", test.want)
			}
		})
	}
}

func TestWhoami(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/api/whoami?x=1", nil)
	r.Header.Set("X-Forwarded-User", "ada")
	r.Header.Set("X-Forwarded-Groups", "a,b")
	r.Header.Set("X-Sallyport-Assertion", "not.a.jwt")
	r.Header.Set("Cookie", "theme=dark")
	var got demoapp.Identity
	if err := json.Unmarshal(serve(t, r).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.User != "ada" || !slices.Equal(got.Groups, []string{"a", "b"}) || !slices.Equal(got.Cookies, []string{"theme"}) ||
		got.Path != "/api/whoami?x=1" || got.Assertion != nil || len(got.Headers) != 3 {
		t.Errorf("whoami %+v", got)
	}
}

func TestUpload(t *testing.T) {
	w := serve(t, httptest.NewRequest(http.MethodPost, "/api/upload", strings.NewReader("abc")))
	want := `{"bytes":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}`
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSlow(t *testing.T) {
	for path, want := range map[string]int{
		"/slow?for=1ms":   http.StatusOK,
		"/slow?for=-1s":   http.StatusBadRequest,
		"/slow?for=1h":    http.StatusBadRequest,
		"/slow?for=later": http.StatusBadRequest,
		"/healthz":        http.StatusOK,
		"/nowhere":        http.StatusNotFound,
	} {
		if w := serve(t, httptest.NewRequest(http.MethodGet, path, nil)); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

func liveServer(t *testing.T, tick time.Duration) string {
	t.Helper()
	server := httptest.NewServer(demoapp.New(demoapp.Config{Tick: tick}))
	t.Cleanup(server.Close)
	return server.URL
}

type tick struct {
	N    int
	Time string
	Echo string
}

func TestWebSocketTicksAndEchoes(t *testing.T) {
	conn, _, err := websocket.Dial(t.Context(), liveServer(t, time.Millisecond)+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("anyone there?")); err != nil {
		t.Fatal(err)
	}
	ticks, echoed := 0, false
	for ticks < 3 || !echoed {
		var got tick
		if err := wsjson.Read(t.Context(), conn, &got); err != nil {
			t.Fatal(err)
		}
		if got.Echo != "" {
			echoed = got.Echo == "anyone there?"
		} else if ticks++; got.N != ticks || got.Time == "" {
			t.Fatalf("tick %d is %+v", ticks, got)
		}
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

func TestWebSocketRefusesOtherOrigins(t *testing.T) {
	_, response, err := websocket.Dial(t.Context(), liveServer(t, time.Hour)+"/ws",
		&websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"http://evil.example"}}})
	if err == nil || response == nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("error %v, response %v", err, response)
	}
}

func TestEventsTick(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, liveServer(t, time.Millisecond)+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("content type %q", kind)
	}
	ticks := 0
	lines := bufio.NewScanner(response.Body)
	for ticks < 3 && lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var got tick
		if err := json.Unmarshal([]byte(data), &got); err != nil {
			t.Fatal(err)
		}
		if ticks++; got.N != ticks || got.Time == "" {
			t.Fatalf("tick %d is %s", ticks, data)
		}
	}
	if ticks < 3 {
		t.Errorf("the stream ended after %d ticks: %v", ticks, lines.Err())
	}
	if _, err := io.CopyN(io.Discard, response.Body, 1); err != nil {
		t.Errorf("the stream ended by itself: %v", err)
	}
}
