package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/session"
)

// What the doctor says of a store by its name is what a running process finds.
func TestCheckSessionLists(t *testing.T) {
	for _, store := range []string{storeMemory, storeFile, storeRedis, "none of ours"} {
		var f findings
		s := &settings{}
		s.publicURL = &url.URL{Scheme: "https", Host: "app.example.com"}
		s.Session.Store, s.Network.Prefix = store, "/oauth2"
		checkSessionLists(s, &f)
		want := "ok | sessions |  | people see and end their own at https://app.example.com/oauth2/sessions"
		if !findsSessions(store) {
			want = "warn | sessions | SALLYPORT_SESSION_STORE | this store finds nobody's sessions"
		}
		if got := render(f); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", store, got, want)
		}
	}
	if !findsSessions(storeMemory) || findsSessions("none of ours") {
		t.Error("memory finds sessions, and a store that is not known finds none")
	}
	for _, store := range []string{storeMemory, storeFile} {
		s, err := load(with(map[string]string{"SALLYPORT_SESSION_STORE": store, "SALLYPORT_SESSION_FILE": t.TempDir() + "/s.db"}))
		if err != nil {
			t.Fatal(err)
		}
		opened, closeStore, err := openStore(s, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = closeStore() })
		if _, finds := opened.(session.Indexer); finds != findsSessions(store) {
			t.Errorf("%s finds sessions: %v, the doctor says otherwise", store, finds)
		}
	}
}
