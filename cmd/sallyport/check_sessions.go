package main

import (
	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/boltstore"
	"github.com/sallyport/sallyport/session/cookiestore"
	"github.com/sallyport/sallyport/session/memstore"
	"github.com/sallyport/sallyport/session/redisstore"
)

// noIndexNote is what an operator should know of a store that finds no sessions.
const noIndexNote = "this store finds nobody's sessions: people have no list of theirs (/sessions is 404), the provider cannot end them (/logout/backchannel and /logout/frontchannel are 404), and SALLYPORT_ADMIN_TOKEN turns nothing on; memory, file and redis can"

// findsSessions reports whether a store of that name is a session.Indexer.
func findsSessions(name string) bool {
	stores := map[string]session.Store{
		storeMemory: (*memstore.Store)(nil), storeFile: (*boltstore.Store)(nil), storeRedis: (*redisstore.Store)(nil), storeCookie: (*cookiestore.Store)(nil),
	}
	_, ok := stores[name].(session.Indexer)
	return ok
}

// checkSessionLists shows where sessions can be seen and ended.
func checkSessionLists(s *settings, f *findings) {
	const probe = "sessions"
	if !findsSessions(s.Session.Store) {
		f.warn(probe, "SALLYPORT_SESSION_STORE", noIndexNote)
		return
	}
	f.ok(probe, "people see and end their own at %s", s.endpoint("/sessions"))
	if !s.Session.APIToken.IsEmpty() && s.Network.AdminListen != adminOff {
		f.ok(probe, "whoever has %s lists and ends anybody's on the admin listener", adminTokenName)
	}
}
