// Package oidcrp is the OpenID Connect relying party: it sends people to one
// OpenID provider and makes sessions of what the provider says about them.
//
// Client.Run fetches the provider's metadata in the background, again and again
// until it has them, and keeps them and the signing keys (keySet) up to date. A
// sign-in goes through the package like this:
//
// Client.Begin makes state, nonce and PKCE verifier, seals them into a cookie of
// this one sign-in and redirects to the provider. The provider sends the browser
// back to the callback: readAuthorizationResponse accepts one well-formed answer,
// checkResponse wants the cookie of that state and the right issuer, and only
// then redeem sends the code to the token endpoint, once. verifyIDToken checks
// everything that the ID token must be, userinfo fills what it lacks, and
// identityOf makes a session.Identity of both. Sessions.Start does the rest.
//
// Later the session layer calls Client.Refresh before the access token ends:
// refreshRefused says what an answer without tokens means, renewal what becomes of
// the identity. bindsSession and modeOf say how far a session follows the
// provider's.
//
// A sign-out begins in idp.Providers, which ends the session; Client.SignOut then hands
// its tokens to the revoker and says where the provider's own sign-out is.
//
// Everything that is logged, measured or remembered is named by Config.ID, so that
// several Clients can live in one process. Each is at addresses of its own, and what
// comes to them is of the sign-ins that it began.
//
// # Trust
//
// The query and body of every request here come from a browser and may be forged
// by any web site; what may be believed of them is what the sealed cookie says
// too. What the provider's server answers is believed only over TLS to the
// addresses in its metadata, in bounded size, without following redirects, and
// never more than the signature and the checks of OpenID Connect Core §3.1.3.7
// allow. No text of the provider or of a request reaches a page: pages show
// fault.Error, the log gets the cause with control characters removed. Codes,
// tokens, verifiers and the client secret go nowhere but on the wire.
package oidcrp
