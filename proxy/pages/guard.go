package pages

import (
	"crypto/sha256"
	"encoding/base64"
)

// guard is the header fields that keep a page from being framed, sniffed or used
// to run anything (RFC 9700 §4.16; CSP Level 3).
type guard struct {
	contentSecurityPolicy string
	referrerPolicy        string
}

// newGuard allows the one inline style, by its hash, and nothing else. The
// address of a page may hold a code and a state, so it is told to nobody.
func newGuard(style string) guard {
	sum := sha256.Sum256([]byte(style))
	return guard{
		contentSecurityPolicy: "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-" +
			base64.StdEncoding.EncodeToString(sum[:]) + "'",
		referrerPolicy: "no-referrer",
	}
}

// withoutForm is for pages that have none.
func (g guard) withoutForm() guard {
	g.contentSecurityPolicy += "; form-action 'none'"
	return g
}

// withForm is for a page whose form is answered by a redirect to the identity
// provider. It leaves form-action out: Chromium holds that directive against the
// redirect, too, and would not go on to the provider, whose sign-out endpoint
// need not even be on its issuer's host. And its referrer policy is same-origin,
// because under no-referrer a browser posts "Origin: null", which our own check
// for cross-site requests has to refuse.
func (g guard) withForm() guard {
	g.referrerPolicy = "same-origin"
	return g
}

// withScript allows the one inline script, by its hash.
func (g guard) withScript(script string) guard {
	sum := sha256.Sum256([]byte(script))
	g.contentSecurityPolicy += "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	return g
}

// set has no Cross-Origin-Opener-Policy: a sign-in in a popup passes through our pages,
// and any would cut it off from the page that opened it.
func (g guard) set(f *fields) {
	f.set("Content-Security-Policy", g.contentSecurityPolicy)
	f.set("Referrer-Policy", g.referrerPolicy)
	f.set("X-Content-Type-Options", "nosniff")
	f.set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	f.set("Cross-Origin-Resource-Policy", "same-origin")
}
