// Package policy answers two questions about a request: does it need a session at
// all, and may the person of that session send it? It is pure: no I/O, no clock, no
// state that changes.
//
// A request passes through it in this order. The proxy first calls CheckPath
// with the path of the request line as it came; what fails there is answered
// with 400. Policy.Rule then finds the rules that decide (ruling.go): of those that
// match, the first. Where none does, the path may be one of SALLYPORT_PUBLIC_PATHS,
// and the request goes on without a session. Otherwise the proxy asks who sent it;
// Ruling.Anonymous says what becomes of a request of nobody, and Ruling.Admit holds
// an identity against the lists for everybody (admit.go), then against each rule
// (judge.go), and last against the sign-in that they ask for (stepup.go).
//
// An application may read a path differently from us: decode it twice, merge
// slashes, resolve dot segments, cut off ";parameters". Readings finds what it may
// be taken for, and every reading has to pass its rule; so has a rule that the path
// misses by a hair (near.go). A path is public only if every reading of it is. Two rules give that. A path which
// any common reading would change (see ambiguous) is never public; and of the
// rest both forms, the one on the wire and the decoded one, have to match a
// pattern. Such a path is still forwarded as it came when somebody is signed in.
//
// # Trust
//
// The path and the method are an attacker's bytes. Identities have been verified
// by the protocol that made them, but their text was often chosen by the person:
// it is compared exactly and never interpreted. Patterns and lists come from the
// operator; New refuses those that would mean something else than they seem to.
package policy
