// Package proxy is what happens to a request. It knows no identity protocol.
//
// A request for /invoices passes through the files in this order. Site.ServeHTTP
// (site.go) opens an exchange, which records what is answered. The gate
// (gate.go) refuses what no site should be asked: odd methods and targets, other
// hosts, cookie bombs. The route table (routes.go) finds out whether one of our
// own endpoints is meant, and answers 404 to everything else that any reading of
// the path puts below our prefix. What is left belongs to the app: policy says
// whether the path is public, the Authenticator says who sent the request, and
// decide (decide.go), which writes nothing, says what becomes of it. The rest of
// the package acts on that Decision: answer.go signs in or refuses, and
// forward.go hands the request to the app, without every header that the client
// had no business to send (names.go, strip.go) and with the identity that we
// vouch for (identity.go). On the way back response.go removes what only we may
// say. WebSockets and other streams stay in a registry (streams.go) until they
// end by themselves, their session ends or the process stops.
//
// A proxy that serves the app itself asks at /auth (forwardauth.go): original.go reads
// which request it has in its hands, and the same decider decides.
//
// A public path gets no look at the session: the app is told of no identity
// there, whoever asks.
//
// # Trust
//
// The request is an attacker's, byte for byte: method, target, every field name
// and value, trailers, body, timing. Forwarding fields are believed only when the
// peer's address is one of Config.Trusted, and even then never for an identity,
// the method or the path, but at /auth, where
// nothing is relaxed for a request that is not known. The app is trusted with its users' identities but not
// with our cookies, and not to speak in our name. Pages, Login and Routes are
// ours.
package proxy
