// Package policy answers two questions about a request: does its path need a
// session at all, and may the person of that session use the application? It is
// pure: no I/O, no clock, no state that changes.
//
// A request passes through it in this order. The proxy first calls CheckPath
// with the path of the request line as it came; what fails there is answered
// with 400. Policy.Public then says whether the path is one of
// SALLYPORT_PUBLIC_PATHS, in which case the request goes on without a session.
// Otherwise the proxy asks who sent it, and Policy.Admit holds that identity
// against SALLYPORT_ALLOWED_EMAILS, SALLYPORT_ALLOWED_EMAIL_DOMAINS and
// SALLYPORT_ALLOWED_GROUPS.
//
// An application may read a path differently from us: decode it twice, merge
// slashes, resolve dot segments, cut off ";parameters". A path is therefore
// public only if every such reading of it is. Two rules give that. A path which
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
