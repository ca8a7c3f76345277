package hop

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
)

func TestWhatIsSent(t *testing.T) {
	a := newApp(t, []string{ok})
	r := request(t, "GET")
	r.Host = "public.example.com"
	r.Header = http.Header{
		"Accept": {"a", "b"}, "X-Empty": {""}, "User-Agent": {""},
		"Host": {"evil.example.com"}, "Content-Length": {"7"}, "Transfer-Encoding": {"chunked"}, "content-length": {"8"}, "TRANSFER-ENCODING": {"chunked"}, "hosT": {"evil"}, "Trailer": {"X-Evil"},
	}
	if got := read(a.transport(nil), r); got != "200 ok" {
		t.Fatal(got)
	}
	head := a.seen[0]
	line, rest, _ := strings.Cut(head, "\r\n")
	if line != "GET /a%2Fb?q=1 HTTP/1.1" {
		t.Errorf("the request line is %q", line)
	}
	h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(rest))).ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(h), "map[Accept:[a b] Host:[public.example.com] X-Empty:[]]"; got != want {
		t.Errorf("the fields are %s, want %s", got, want)
	}
}

func TestNothingIsSent(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"line break in a value":  func(r *http.Request) { r.Header["X-A"] = []string{"a\r\nX-Forwarded-User: admin"} },
		"NUL in a value":         func(r *http.Request) { r.Header["X-A"] = []string{"a\x00"} },
		"line break in a name":   func(r *http.Request) { r.Header["X-A\r\nX-B"] = []string{"a"} },
		"colon in a name":        func(r *http.Request) { r.Header["X:A"] = []string{"a"} },
		"empty name":             func(r *http.Request) { r.Header[""] = []string{"a"} },
		"line break in the host": func(r *http.Request) { r.Host = "a\r\nX-B: c" },
		"no host":                func(r *http.Request) { r.Host, r.URL.Host = "", "" },
		"space in the query":     func(r *http.Request) { r.URL.RawQuery = "a HTTP/1.1\r\nX-B: c" },
		"a target that is none":  func(r *http.Request) { r.URL.Opaque = "evil" },
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, []string{ok})
			r := request(t, "GET")
			change(r)
			if got := read(a.transport(nil), r); !strings.HasPrefix(got, "error: the ") {
				t.Errorf("got %q, want an error that says what is wrong", got)
			}
			if a.requests() != 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestCarries(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*http.Request)
		want   bool
	}{
		"GET":             {func(*http.Request) {}, true},
		"HEAD":            {func(r *http.Request) { r.Method = "HEAD" }, true},
		"OPTIONS":         {func(r *http.Request) { r.Method = "OPTIONS" }, true},
		"POST":            {func(r *http.Request) { r.Method = "POST" }, true},
		"DELETE":          {func(r *http.Request) { r.Method = "DELETE" }, true},
		"CONNECT":         {func(r *http.Request) { r.Method = "CONNECT" }, false},
		"with a body":     {func(r *http.Request) { r.ContentLength = maxHeld }, true},
		"with a long one": {func(r *http.Request) { r.ContentLength = maxHeld + 1 }, true},
		"of no length":    {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("")) }, false},
		"chunked":         {func(r *http.Request) { r.ContentLength = -1 }, false},
		"an upgrade":      {func(r *http.Request) { r.Header.Set("Upgrade", "websocket") }, false},
		"an expectation":  {func(r *http.Request) { r.Header.Set("Expect", "100-continue") }, false},
		"a coding beside": {func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }, false},
	} {
		r := request(t, "GET")
		tt.change(r)
		if got := Carries(r); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
