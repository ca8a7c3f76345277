package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/session"
)

// What the doctor says of a store by its name is what a running process finds.
func TestCheckSessionLists(t *testing.T) {
	for _, store := range []string{storeMemory, storeFile, storeRedis, storeCookie, "none of ours"} {
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
	for _, store := range []string{storeMemory, storeFile, storeCookie} {
		s, err := load(with(map[string]string{"SALLYPORT_SESSION_STORE": store, "SALLYPORT_SESSION_FILE": t.TempDir() + "/s.db"}))
		if err != nil {
			t.Fatal(err)
		}
		keys, err := session.NewKeyRing(s.keys, s.scope())
		if err != nil {
			t.Fatal(err)
		}
		opened, err := openStore(s, keys, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = opened.close() })
		if _, finds := opened.Store.(session.Indexer); finds != findsSessions(store) {
			t.Errorf("%s finds sessions: %v, the doctor says otherwise", store, finds)
		}
	}
}

// A store that finds nobody's sessions has neither the page nor the API, and the
// start says so.
func TestStoreWithoutSessionLists(t *testing.T) {
	const store = "cookie"
	p := newProvider(t)
	r := start(t, []string{"serve"}, serving(p, newUpstream(t, http.StatusOK), map[string]string{
		"SALLYPORT_SESSION_STORE": store, adminTokenName: adminCanary,
	}))
	admin, site := r.address("admin"), r.address("proxy")
	if status, _ := get(t, "http://"+admin+"/sessions?user=ada"); status != http.StatusNotFound {
		t.Errorf("the API answers %d", status)
	}
	if status, _ := askSite(t, site, "/oauth2/sessions"); status != http.StatusNotFound {
		t.Errorf("the page answers %d", status)
	}
	if log := r.stderr.String(); !strings.Contains(log, "this store finds nobody's sessions") {
		t.Errorf("the start does not say so:\n%s", log)
	}
	if findsSessions(store) {
		t.Error("the doctor says otherwise")
	}
}
