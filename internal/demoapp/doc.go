// Package demoapp is the application of `sallyport demo`: it knows nothing of
// sign-in and shows what the proxy tells it. It imports nothing of Sallyport's, as
// any application behind it would not.
//
// A request for / reads the identity headers (identity.go), greets the person by
// name and lists every header it was given (page.go). The page's script opens a
// WebSocket and an event stream (live.go), so that one sees both pass through the
// proxy, and sees both end with the session. The other paths are for tests and
// for curl: /api/whoami, /api/upload, /slow, /healthz.
//
// # Trust
//
// The headers are believed because the proxy in front removes what a client
// sends under these names. Served without that proxy, anyone could claim to be
// anyone; so bind it to loopback. Values are escaped by the components of
// templ.
//
//go:generate go run ../templgen
package demoapp
