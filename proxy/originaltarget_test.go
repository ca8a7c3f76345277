package proxy

import (
	"net/url"
	"testing"
)

// What parsePlain reads, net/url reads likewise.
func checkPlain(t *testing.T, s string) bool {
	t.Helper()
	var got url.URL
	if !parsePlain(&got, s) {
		if got != (url.URL{}) {
			t.Errorf("%q is refused and read as %+v", s, got)
		}
		return false
	}
	if want, err := url.ParseRequestURI(s); err != nil || got != *want {
		t.Errorf("%q is read as %+v; net/url says %+v, %v", s, got, want, err)
	}
	return true
}

func TestParsePlain(t *testing.T) {
	for s, want := range map[string]bool{
		"/": true, "/a/b-c_d.e~f": true, "/a?x=1&y=%20?z": true, "//a/b": true, "/a/../b": true, "/?/": true,
		"https://app.example.com/a?b": true, "http://127.0.0.1:8080/": true, "https://APP.example.com:443/a": true,
		"": false, "a": false, "?a": false, "/a?": false, "/a%2fb": false, "/a b": false, "/a;b": false, "/a#b": false, "/ü": false, "/a\\b": false,
		"/a?b\x7f": false, "/a?\x00": false, "/a?ü": false, "/a:b": false, "*": false,
		"https://": false, "https:///a": false, "https://app.example.com": false, "https://app.example.com?a": false, "https://u@h/a": false,
		"https://[::1]/a": false, "https://h:/a": false, "https://h:1:2/a": false, "https://h:x/a": false, "https://:1/a": false,
		"HTTPS://h/a": false, "ftp://h/a": false, "http:/a": false, "httpshttp://h/a": false, "https://h\\/a": false,
	} {
		if got := checkPlain(t, s); got != want {
			t.Errorf("%q: plain %t, want %t", s, got, want)
		}
	}
}

func FuzzParsePlain(f *testing.F) {
	for _, s := range []string{"/a?b", "https://h:1/a?b", "//a", "http://a..b/./?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkPlain(t, s) })
}
