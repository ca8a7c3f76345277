// Package pages shows people, and programs, what Sallyport itself has to say:
// that something failed, that they may not pass, by which provider they want to sign
// in, that they are signed out, where they are signed in.
//
// An answer takes this way. The proxy or a protocol calls a method of Renderer,
// say Fault. TakesPage looks at Accept and at who asks: a person whose browser
// names HTML gets the page of page.templ, everybody else (fetch, curl, an API
// client that accepts anything) gets JSON, for a fault application/problem+json (RFC 9457).
// Both carry the same fields of package fault and the same header fields: never
// stored, never framed, never sniffed, and a Content-Security-Policy that allows
// the page's own inline style and nothing else. There is no script, no image and
// nothing from another host, so a page looks the same while everything is down.
//
// The "type" of a problem is urn:sallyport:error: and the code, a name and not an
// address; docs/errors.md has a heading for each code. Pages are in English.
// Answers are never compressed, since a page holds text of the request (rd).
//
// # Trust
//
// Of a request these pages show only the request id, which reqid.Valid has passed, and
// rd and the other parameters of a sign-in, as values of fields; all are hidden but
// login_hint, which somebody typed. The list of somebody's sessions shows
// their name, as the provider spelt it, addresses that were parsed as such, and words
// of package device, never a User-Agent. The components of templ
// escape all of it, and an address that is not of the web leads nowhere. Error
// text of an identity provider never comes here: a fault's Cause is not shown.
//
//go:generate go run ../../internal/templgen
package pages
