// Package boltstore keeps sessions in one file, so that they survive a restart.
//
// A record comes in through Create, is read by Get on every request, rewritten
// by Replace when the session is used or refreshed, and goes by Delete or by its
// expiry, each time with the marks that it is found by. Reads come from the
// mapped file and wait for no write. Writes go through one goroutine: those that
// arrive while the disk is busy share the next transaction, and each returns once
// that transaction is on the disk, so that an acknowledged sign-in or sign-out
// outlives a crash.
//
// The file belongs to one process. A second one that opens it gets ErrInUse.
//
// What it costs: a Get copies the record and calls no system; a write costs one
// fsync, shared by all that wait at that moment. BenchmarkCreate prints what
// that is on a given disk. session.Manager writes a use down at most every
// sixtieth of the idle limit, so a disk that syncs in 5 ms carries thousands of
// people. The file never shrinks; the room of records that are gone is used
// again.
//
// # Trust
//
// Only session.Manager calls a Store; no input of an attacker arrives here but
// through its sealed records and hashed handles. Whoever can read the file gets
// ciphertext whose keys are in the browsers' cookies. Whoever can write it can
// sign people out, not in: a record that was changed does not open. Deleted
// records stay in the file, sealed, until their room is used again.
package boltstore
