// Package storetest is the one test that every session.Store passes.
//
// A store's own test calls Run with a Harness that makes empty stores on the
// clock it is handed. Run then goes through the contract of session.Store, one
// subtest for each sentence: what is stored comes back, versions, deletion for
// good, expiry, races, cancellation, and who owns which bytes. What a store can
// do beside that (session.Counter, session.Pinger, session.Indexer,
// session.Claimer) is tested when it is there.
//
// # Trust
//
// Nothing here meets an attacker; it is linked into tests alone.
package storetest
