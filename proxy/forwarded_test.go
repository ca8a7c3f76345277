package proxy

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// judged is a site with rules, and what its rules say by themselves.
type judged struct {
	*inProcess
	policy *policy.Policy
	alice  *session.Session
}

func newJudged(t testing.TB) *judged {
	t.Helper()
	p, err := policy.New(bankRules())
	if err != nil {
		t.Fatal(err)
	}
	j := &judged{policy: p, inProcess: newInProcess(t, func(c *Config) { c.Policy = p })}
	j.alice = j.auth.sessions["alice"]
	return j
}

// check sends a request of alice's and holds what the app got against what the rules
// say. It reports whether the app was asked.
func (j *judged) check(t *testing.T, method, target string) bool {
	t.Helper()
	o := j.send(request(method, target, "Cookie: "+valid), "192.0.2.9:4711")
	if !o.parsed {
		return false
	}
	path, query, _ := strings.Cut(target, "?")
	ruling := j.policy.Rule(policy.Request{Method: method, Path: path})
	passes := ruling.Public() || ruling.Admit(j.alice, time.Now()).Allowed
	switch {
	case o.forwarded() && !passes:
		t.Errorf("%s %q was forwarded, and the rules refuse it", method, target)
	case !o.forwarded() && o.status == http.StatusOK:
		t.Errorf("%s %q: 200 without the app", method, target)
	case !o.forwarded() && passes && ordinaryRequest(method, path) && !strings.Contains(query, "#"):
		t.Errorf("%s %q was answered by %d, and the rules let it pass", method, target, o.status)
	}
	j.compareAsked(t, method, target, o)
	if !o.forwarded() {
		return false
	}
	want := method + " " + onWire(path)
	if strings.Contains(target, "?") {
		want += "?" + query
	}
	if got, _, _ := strings.Cut(o.head(t), " HTTP/1.1\r\nHost: app.example.com\r\n"); got != want {
		t.Errorf("%s %q was judged, and %q forwarded", method, target, got)
	}
	return true
}

// compareAsked asks about the request as an edge proxy does, which must be told the same.
func (j *judged) compareAsked(t *testing.T, method, target string, forwarded *outcome) {
	t.Helper()
	if strings.Contains(target, ",/") || strings.Contains(target, ",http") {
		return // looks like two targets, for which nothing is relaxed there
	}
	asked := j.send(request("GET", askPath, append(traefik(method, target), "Cookie: "+valid)...), "10.1.2.3:4711")
	if asked.parsed && (asked.status == http.StatusOK) != forwarded.forwarded() {
		t.Errorf("%s %q: forward-auth answers %d, the proxy %d", method, target, asked.status, forwarded.status)
	}
}

// ordinaryRequest reports whether nothing but the rules could speak against a request.
func ordinaryRequest(method, path string) bool {
	return method == "GET" && strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_") == "" && !strings.Contains(strings.ToLower(path), "oauth2")
}

// onWire is a path as it has to reach the app: byte for byte, except that one which RFC
// 3986 §3.3 does not allow there is percent-encoded.
func onWire(path string) string {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/%[]"
	var b strings.Builder
	for _, c := range []byte(path) {
		if strings.IndexByte(allowed, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
	}
	return b.String()
}

// forwardedAs are targets of which it is known whether they reach the app.
var forwardedAs = map[string]bool{
	"/": true, "/a": true, "/a%2fb": true, "//a": true, "/a;b/c": true, "/%61": true, "/a%20b": true, "/%e2%82%ac": true, "/a?b": true, "/a?b=%zz&c;d": true,
	"/..+/x": true, "/[x]": true, "/a/../b": true, "/a/./b//": true, "/a\"b": true, "/a{b}|c^": true, "/ö": true, "/a%2Fb\"": true, "/a?": true, "/a??b": true, "/public/x": true, "/a%2e": true,
	"/bank": false, "/BANK": false, "/bank/../a": false, "/a/..%2fbank": false, "/lead%3f": false, "/%62ank/x": false, "/a%00": false, "/a\\b": false, "/oauth2/x": false, "/x/../oauth2/auth": false, "/?#": false,
}

// TestForwardedAsJudged holds what FuzzForwardedAsJudged begins with, so that it cannot
// pass because nothing is forwarded, or nothing refused.
func TestForwardedAsJudged(t *testing.T) {
	j := newJudged(t)
	for target, want := range forwardedAs {
		if got := j.check(t, "GET", target); got != want {
			t.Errorf("%q: forwarded %v, want %v", target, got, want)
		}
	}
}

// FuzzForwardedAsJudged: what the rules decide about is what the app gets, byte for byte,
// and no reading of it is of a rule that was not passed; what they let pass arrives; an
// edge proxy that asks is told the same.
func FuzzForwardedAsJudged(f *testing.F) {
	for target := range forwardedAs {
		f.Add("GET", target)
	}
	f.Add("POST", "/a?_method=DELETE")
	f.Add("get", "/public/x")
	j := newJudged(f)
	f.Fuzz(func(t *testing.T, method, target string) {
		if len(target) > 500 || !strings.HasPrefix(target, "/") || strings.ContainsAny(method+target, " \t\r\n") || method == "" {
			return
		}
		j.check(t, method, target)
	})
}
