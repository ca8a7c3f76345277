// Package session knows who is signed in.
//
// A request comes to Manager.Authenticate. findCookie picks the session cookie
// out of the Cookie fields; openTicket opens it with the KeyRing: the cookie is
// a sealed ticket with a random id, a random key and the time it was made. The
// hash of the id, the Handle, names a Record in the Store; openSession opens
// that with the ticket's key and the Session comes out. A cache saves the two
// openings while the record's version stays the same, but the Store is asked
// every time, so that a sign-out holds from the next request on.
//
// A sign-in begins with Manager.BeginLogin, which seals a Pending into a cookie
// of its own; the callback reads it back with Manager.Pending and ends in
// Manager.Start: new id, new key, new record, and the browser's previous session
// is gone. Manager.End is the sign-out. Streams learn of it through
// Manager.OnEnd.
//
// ReturnPolicy stands apart: it decides where a redirect of ours may lead.
//
// The package knows no identity protocol and no upstream. What it needs of
// storage is the interface Store; memstore is one, and every one passes
// storetest.
//
// # Trust
//
// The Cookie fields and the raw return address come from an attacker. A cookie
// counts only if it opens under a key derived for this purpose, this deployment
// and its own name; a changed, shortened or lengthened one gets the answer that
// garbage gets. Two are no secrets and are not sealed: that the next sign-in asks for
// an account, and at which provider the last one was. The Store is trusted to keep and to delete, not to be secret: it
// holds ciphertext whose key is in the browser's cookie alone, and a record
// that was changed or swapped does not open. Identity and Grant are taken from
// the protocol as verified.
package session
