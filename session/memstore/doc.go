// Package memstore keeps sessions in the memory of one process.
//
// A record comes in through Create, is read by Get on every request, rewritten
// by Replace when the session is used or refreshed, and goes by Delete, by its
// expiry, or, when the store is full, in favour of a newer one. The sweeper
// drops expired records a few shards at a time; Get never shows one.
//
// # Layout
//
// A hundred thousand records that the garbage collector follows one by one make each
// of its cycles dear, and let it wait until there is as much garbage as there are
// sessions. So nothing here has a pointer for each record.
//
//	shard, 256 by handle                 shard of the index, 256 by tag
//	  slots   handle → slot                first   8 bytes of a tag → link
//	  entries slot → version, times,       links   link → shard, slot, number of
//	          page, offset                         the mark; previous and next link
//	  pages   64 KiB each, of blobs
//
//	blob: its size, its slot, the handle, Sealed, and of each mark the tag, its
//	link, and the note
//
// Blobs are appended to a shard's current page, and no byte is written twice: what Get
// and Find return are pieces of a page, which stays as long as anybody has one. A
// record that is replaced or dropped leaves a hole. When the holes of a shard come to
// a quarter of what is in use, the page with the most of them is emptied into the
// current one and left to the garbage collector, so no sequence of sizes costs more
// than that. A shard that becomes empty gives back all it has.
//
// # Trust
//
// Only session.Manager calls a Store; no input of an attacker arrives here but
// through its sealed records and hashed handles. Records are created only by
// sign-ins that an identity provider confirmed, and their number is bounded all
// the same.
package memstore
