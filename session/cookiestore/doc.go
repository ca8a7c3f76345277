// Package cookiestore keeps sessions in the browser's own cookies: no state here,
// so that a restart signs nobody out and replicas need nothing in common but
// SALLYPORT_SECRET.
//
// A request comes through Store.Handler, which puts a carrier into its context:
// the parts of the session cookie as the browser sent them, and what the answer
// is to change. Get joins the parts and checks their signature; Create, Replace
// and Delete change the carrier; when the answer begins, the carrier adds its
// Set-Cookie fields. Without a carrier every method but Delete answers ErrNoRequest.
//
// # Trust
//
// The browser can send anything. A record is only read after its HMAC was
// verified, which covers the cookie's name, the handle, the version, the times
// and the number of parts. What is inside stays sealed under the ticket's key.
//
// The browser can also send an older record again, and so can whoever stole one:
// it is accepted until its own limits. Only this process remembers, within
// bounds, which sessions were deleted; a restart and other replicas do not know.
package cookiestore
