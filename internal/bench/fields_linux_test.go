package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestFieldsAreFoundWhateverTheirCase(t *testing.T) {
	first, f, body, found := cutHead([]byte("HTTP/1.1 200 OK\r\nbench-identity:  ada@example.com \r\nX-Bench-Identity: eve\r\nEmpty:\r\nContent-Length: 4\r\n\r\nbody"))
	if !found || string(first) != "HTTP/1.1 200 OK" || string(body) != "body" {
		t.Fatalf("cut into %q and %q, %t", first, body, found)
	}
	for name, want := range map[string]string{echoHeader: "ada@example.com", "Empty": "", "Absent": "", "Identity": "", "Content-Length": "4"} {
		if got := f.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if n, err := f.length(); n != 4 || err != nil {
		t.Errorf("the length is %d, %v", n, err)
	}
}

func TestHeadsThatAreNone(t *testing.T) {
	for _, part := range []string{"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r"} {
		if _, _, _, found := cutHead([]byte(part)); found {
			t.Errorf("%q is taken for a whole head", part)
		}
	}
	for _, first := range []string{"", "HTTP/1.0 200 OK", "HTTP/1.1 OK", "200"} {
		if status, err := statusOf([]byte(first)); err == nil {
			t.Errorf("%q has the status %d", first, status)
		}
	}
	for _, f := range []string{"", "Content-Length: -1", "Content-Length: 4, 4", "Transfer-Encoding: chunked\r\nContent-Length: 4"} {
		if n, err := fields(f).length(); err == nil {
			t.Errorf("%q have the length %d", f, n)
		}
	}
}

// The app behind the loop is one that net/http's client understands, whatever the size of
// the answer.
func TestAppAnswers(t *testing.T) {
	l := newLoop(t)
	a, err := startApp(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 1 << 10, 5 << 20} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+path(size), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(identityHeader, "ada@example.com")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if err := answer.Write(&got); err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if want := fromApp(nil, "ada@example.com", false).header(answer.Header); want != nil || !strings.HasSuffix(got.String(), string(a.body(size))) {
			t.Errorf("%d bytes: %v, or the body is another one", size, want)
		}
	}
	answer, err := http.Get(a.URL + "/nothing")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("a path without a size answers %s", answer.Status)
	}
}
