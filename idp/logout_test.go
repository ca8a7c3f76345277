package idp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
)

func TestSignOutGoesToTheProviderOfTheSession(t *testing.T) {
	s, p := staff(), partner()
	w := newWorld(t, nil, s, p)
	w.signedIn("partner")
	to := w.led("/oauth2/logout?rd=%2Fbye")
	state, ok := strings.CutPrefix(to, "https://partner.example/out?state=")
	if !ok || len(p.ended) != 1 || p.ended[0] == nil || p.ended[0].IdP != "partner" || len(s.ended) != 0 {
		t.Fatalf("leads to %q; partner was told of %v, staff of %v", to, p.ended, s.ended)
	}
	if got := w.led("/oauth2/logout/callback?state=" + state); got != "/bye" {
		t.Errorf("back from the provider: %q, want the rd of the sign-out", got)
	}
	w.get("/oauth2/logout/callback?state=" + state)
	w.wantPage("signed out") // a state is good for once
}

// Whoever is not signed in here any more may be at the provider of the last sign-in.
func TestSignOutWithoutASession(t *testing.T) {
	w := newWorld(t, nil, staff(), partner())
	w.get("/oauth2/logout")
	w.wantPage("signed out")
	if !w.pages.remains {
		t.Error("the page does not say that a provider's session may go on")
	}
	w.signedIn("staff")
	w.loseSessions()
	if got := w.led("/oauth2/logout"); !strings.HasPrefix(got, "https://staff.example/out") {
		t.Errorf("leads to %q, want the sign-out of the last provider", got)
	}
}

// The sign-out of a session whose provider is not configured any more is local.
func TestSignOutOfAFormerProvider(t *testing.T) {
	for _, all := range [][]idp.Provider{{staff()}, {staff(), partner()}} {
		w := newWorld(t, nil, all...)
		w.signedIn("former")
		if got := w.led("/oauth2/logout?rd=%2Fbye"); got != "" {
			t.Errorf("leads to %q", got)
		}
		w.wantPage("signed out")
		if w.pages.signIn != "/oauth2/login?rd=%2Fbye&prompt=select_account" || !w.pages.remains {
			t.Errorf("the page leads to %q, remains %v", w.pages.signIn, w.pages.remains)
		}
		if ended := all[0].(*fakeProvider).ended; len(ended) != 0 {
			t.Errorf("staff was told of %v", ended)
		}
	}
}

// Only a sign-out that was carried out has the browser forget anything.
func TestSignOutClearsSiteData(t *testing.T) {
	clears := func(types []string) *world {
		return newWorld(t, func(c *idp.ProvidersConfig) { c.SignOutClears = types }, staff())
	}
	for want, types := range map[string][]string{"": nil, `"cache"`: {"cache"}, `"cache", "storage"`: {"cache", "storage"}} {
		w := clears(types)
		w.signedIn("staff")
		if got := w.get("/oauth2/logout").Header.Get("Clear-Site-Data"); got != want {
			t.Errorf("%v: Clear-Site-Data %q, want %q", types, got, want)
		}
	}
	for want, types := range map[string][]string{"": {"storage"}, `"cache"`: {"cache", "storage"}} {
		w := clears(types)
		if got := w.get("/oauth2/logout/callback").Header.Get("Clear-Site-Data"); got != want {
			t.Errorf("%v, back from the provider: Clear-Site-Data %q, want %q", types, got, want)
		}
		w.signedIn("staff")
		if got := w.get("/oauth2/logout/callback").Header.Get("Clear-Site-Data"); got != "" {
			t.Errorf("%v: Clear-Site-Data %q for somebody who is signed in", types, got)
		}
	}
	w := clears([]string{"storage"})
	w.signedIn("staff")
	w.store.broken = true
	res := w.get("/oauth2/logout")
	if got := res.Header.Get("Clear-Site-Data"); got != "" || res.Header.Get("Sallyport-Error") != string(fault.SignOutIncomplete) {
		t.Errorf("Clear-Site-Data %q, fault %q although the session may live", got, res.Header.Get("Sallyport-Error"))
	}
}

func TestSignOutByAnotherSiteAsks(t *testing.T) {
	w := newWorld(t, nil, staff(), partner())
	w.signedIn("staff")
	w.get("/oauth2/logout", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	w.wantPage("confirm")
}

func TestLogoutsAreCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	first, err := idp.NewLogouts(reg)
	must(t, err)
	second, err := idp.NewLogouts(reg)
	must(t, err)
	first.Count(idp.LogoutLocal)
	second.Count(idp.LogoutLocal)
	want := `
# HELP sallyport_logouts_total Sign-outs, by what became of them.
# TYPE sallyport_logouts_total counter
sallyport_logouts_total{kind="backchannel"} 0
sallyport_logouts_total{kind="backchannel_refused"} 0
sallyport_logouts_total{kind="frontchannel"} 0
sallyport_logouts_total{kind="incomplete"} 0
sallyport_logouts_total{kind="local"} 2
sallyport_logouts_total{kind="rp_initiated"} 0
`
	must(t, testutil.GatherAndCompare(reg, strings.NewReader(want), "sallyport_logouts_total"))
	other := prometheus.NewRegistry()
	other.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "sallyport_logouts_total", Help: "something else"}))
	if _, err := idp.NewLogouts(other); err == nil {
		t.Error("another metric of that name passes")
	}
}
