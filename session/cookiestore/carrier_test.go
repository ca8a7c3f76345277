package cookiestore

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/session"
)

// served is what a server that creates a session in each request, and then lets next
// answer, sends for a request.
func served(t *testing.T, next http.Handler, request string) string {
	t.Helper()
	s := newStore(t, newRing(t, session.GenerateKey()), nil)
	server := httptest.NewServer(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Create(r.Context(), newHandle(), random(4000)); err != nil {
			t.Error(err)
		}
		next.ServeHTTP(w, r)
	})))
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// An upgrade is answered on the bare connection, by whoever took it over.
func TestUpgradeTakesTheCookiesAlong(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello")
		_ = rw.Flush()
	}))
	defer app.Close()
	address, err := url.Parse(app.URL)
	if err != nil {
		t.Fatal(err)
	}
	answer := served(t, httputil.NewSingleHostReverseProxy(address),
		"GET / HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	header, body, _ := strings.Cut(answer, "\r\n\r\n")
	if !strings.HasPrefix(header, "HTTP/1.1 101 ") || strings.Count(header, "Set-Cookie: __Host-sallyport_") != 2 || body != "hello" {
		t.Errorf("answer:\n%s", answer)
	}
}

// Early hints carry no cookies; the answer does, once.
func TestEarlyHintsCarryNone(t *testing.T) {
	answer := served(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
		fmt.Fprint(w, "hello")
		_ = http.NewResponseController(w).Flush()
	}), "GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")
	hints, rest, _ := strings.Cut(answer, "\r\n\r\n")
	if !strings.HasPrefix(hints, "HTTP/1.1 103 ") || strings.Contains(hints, "Set-Cookie") {
		t.Errorf("hints:\n%s", hints)
	}
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(rest)), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if n := len(response.Cookies()); response.StatusCode != http.StatusOK || n != 2 {
		t.Errorf("%d with %d cookies, want 200 and 2", response.StatusCode, n)
	}
}
