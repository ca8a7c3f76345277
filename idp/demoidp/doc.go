// Package demoidp is a real OpenID provider in memory, for `sallyport demo` and
// for tests. It is not for production: whoever opens its sign-in page picks a
// person from a list, and no password is asked for.
//
// The protocol is zitadel/oidc's (pkg/op); this package adds people, sessions,
// pages and the storage behind them. A sign-in goes through it like this:
//
//   - /authorize (authorize.go) hands the request to pkg/op, which checks client,
//     redirect URI, scopes and prompt; storage.go refuses one without PKCE S256
//     and keeps the rest for ten minutes; the browser goes to /login.
//   - /login (login.go) decides: an IdP session (session.go) that satisfies
//     prompt, max_age, acr_values and id_token_hint passes silently; prompt=none
//     without one is login_required; anything else shows the account picker.
//   - The answer carries code, state and iss (RFC 9207), in the query or as a
//     form_post.
//   - /token (token.go) redeems the code once and issues an access token, an ID
//     token and a refresh token that lives exactly as long as the IdP session.
//     Refresh tokens rotate; the second use of one, or of a code, revokes
//     everything issued from that sign-in (grant.go).
//   - /end_session and /account (logout.go) end the IdP session: its refresh
//     tokens answer invalid_grant from then on, and every client that has a
//     back-channel logout URI gets a logout token (backchannel.go).
//
// hooks.go is for tests: end sessions, rotate keys, change groups, count calls.
//
// # Trust
//
// Everything in a request is an attacker's: parameters, the session cookie, the
// form of the account picker. Redirect URIs are compared byte for byte with
// the registered ones, the cookie is 128 random bits and is not the sid that
// clients see, and forms from other origins are refused. What the pages show of a
// request is escaped by the components of templ. Whoever reaches the pages may sign in as
// anyone: bind the provider to loopback.
//
//go:generate go run ../../internal/templgen
package demoidp
