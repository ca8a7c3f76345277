package main

import (
	"fmt"
	"net/http"
	"strings"
)

// row is one line of a table: a request to a process, and the right answer.
type row struct {
	name    string
	on      []*process // whose CPU time counts; the load goes to the first
	request []byte
	want    answer
	by      string // name of the row that this one is divided by; "" = rowPool
	foreign bool   // another program's: that it fails is a finding, and no end of the run
	redis   *redis // where its sessions are; nil = elsewhere
}

// answer is what a right answer looks like.
type answer struct {
	status int
	header func(header) error
	body   []byte // nil = not looked at
}

// get is a request without a body as a client on a kept connection sends it. A
// cookie is a whole Cookie field; "" = none.
func get(host, path, accept, cookie string, more ...string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: %s\r\n", path, host, accept)
	if cookie != "" {
		more = append(more, "Cookie: "+cookie)
	}
	for _, line := range more {
		b.WriteString(line + "\r\n")
	}
	return []byte(b.String() + "\r\n")
}

// fromApp is the app's own answer, which says whom it was told of.
func fromApp(body []byte, identity string, vouched bool) answer {
	return answer{status: http.StatusOK, body: body, header: func(h header) error {
		if got := h.Get(echoHeader); got != identity {
			return fmt.Errorf("the app was told %q, want %q", got, identity)
		}
		if got := h.Get(vouchedHeader) == "yes"; got != vouched {
			return fmt.Errorf("the app has an assertion: %t, want %t", got, vouched)
		}
		return nil
	}}
}

// asked is the answer of /oauth2/auth about somebody who is signed in.
func asked(identity string) answer {
	return answer{status: http.StatusOK, body: []byte{}, header: func(h header) error {
		if got := h.Get("X-Auth-Request-Email"); got != identity {
			return fmt.Errorf("the answer names %q, want %q", got, identity)
		}
		if h.Get(assertionHeader) == "" {
			return fmt.Errorf("the answer has no %s", assertionHeader)
		}
		return nil
	}}
}

// emptyOK is the answer of a handler that does nothing.
func emptyOK() answer {
	return answer{status: http.StatusOK, body: []byte{}, header: func(header) error { return nil }}
}

// toSignIn is the way to the provider at issuer: PKCE, and a login cookie.
func toSignIn(issuer string) answer {
	return answer{status: http.StatusFound, header: func(h header) error {
		location, cookie := h.Get("Location"), h.Get("Set-Cookie")
		for _, part := range []string{"code_challenge=", "code_challenge_method=S256", "state=", "nonce="} {
			if !strings.HasPrefix(location, issuer+"/") || !strings.Contains(location, part) {
				return fmt.Errorf("the answer leads to %q, want the provider with %s", location, part)
			}
		}
		if !strings.HasPrefix(cookie, "sallyport-login-") {
			return fmt.Errorf("the answer sets the cookie %q, want a login cookie", cookie)
		}
		return nil
	}}
}

// refused is what a script without a session gets.
func refused() answer {
	return answer{status: http.StatusUnauthorized, header: func(h header) error {
		if got := h.Get("Content-Type"); got != "application/problem+json" {
			return fmt.Errorf("the refusal is %q, want a problem", got)
		}
		if h.Get("Sallyport-Error") == "" || h.Get("WWW-Authenticate") == "" {
			return fmt.Errorf("the refusal lacks Sallyport-Error or WWW-Authenticate")
		}
		return nil
	}}
}
