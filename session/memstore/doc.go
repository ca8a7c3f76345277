// Package memstore keeps sessions in the memory of one process.
//
// A record comes in through Create, is read by Get on every request, rewritten
// by Replace when the session is used or refreshed, and goes by Delete, by its
// expiry, or, when the store is full, in favour of a newer one. The sweeper
// drops expired records a few shards at a time; Get never shows one.
//
// # Trust
//
// Only session.Manager calls a Store; no input of an attacker arrives here but
// through its sealed records and hashed handles. Records are created only by
// sign-ins that an identity provider confirmed, and their number is bounded all
// the same.
package memstore
