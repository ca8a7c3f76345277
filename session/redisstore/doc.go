// Package redisstore lets replicas share sessions through Redis or Valkey.
//
// A record is one string under one key. Get looks into this process's own
// memory first: a record found there that Redis has not taken back costs no
// command and no lock but its shard's. Otherwise it is fetched once, and Redis
// is asked with the same command to say when it changes (client-side caching,
// CLIENT TRACKING OPTIN), so that a sign-out on one replica reaches the others
// within milliseconds. Create, Replace and Delete are one command each, a
// script where a version has to be compared, and every write carries the time
// after which Redis forgets the record by itself. CreateMarked writes the marks
// first, under keys of their own, so that no record is without them; Find reads
// them and what they name, and drops what is left over.
//
// When the connection is lost, what is in memory is no longer confirmed. Each
// record is read again before it is used; only while Redis cannot answer is it
// used as it is, for at most Config.StaleFor after the loss. A connection that
// merely went silent is noticed after some three seconds. Everything else gets an
// error within Config.Timeout, and at once after three failures in a row, until
// a probe, one a second, is answered. Nothing needs a restart: New succeeds
// while Redis is down, and a client that is bound to a demoted master is
// replaced.
//
// What it does not promise: Redis replicates after it has answered. A write that
// it acknowledged and lost in a failover is lost here too; a sign-out among them
// then holds only until the next sign-out (min-replicas-to-write narrows that).
// A record that Redis evicted is a session that ended: set maxmemory-policy to
// noeviction, or to volatile-ttl if new sign-ins matter more than old sessions.
//
// # Trust
//
// Only session.Manager calls a Store; no input of an attacker arrives here but
// through its sealed records and hashed handles. Redis is trusted to keep and to
// delete, not to be secret nor to be right: what it returns is checked for the
// key it belongs to and for damage, and the seal, whose key is in the browser's
// cookie alone, is checked by session.Manager.
package redisstore
