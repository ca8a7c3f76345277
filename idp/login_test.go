package idp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
)

// T5: with one provider there is no page, whatever the request says.
func TestOneProviderIsNeverChosen(t *testing.T) {
	w := newWorld(t, nil, staff())
	for path, want := range map[string]string{
		"/reports":                     "https://staff.example/begin?to=/reports",
		"/oauth2/login":                "https://staff.example/login?",
		"/oauth2/login?idp=other":      "https://staff.example/login?idp=other", // which refuses it
		"/oauth2/login?login_hint=%00": "https://staff.example/login?login_hint=%00",
	} {
		if got := w.led(path); got != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
}

func TestSeveralProvidersAreChosen(t *testing.T) {
	w := newWorld(t, nil, staff(), partner())
	if got := w.led("/reports?a=1"); got != "/oauth2/login?rd=%2Freports%3Fa%3D1" {
		t.Errorf("a navigation leads to %q", got)
	}
	if got := w.led("/"); got != "/oauth2/login" {
		t.Errorf("the first page leads to %q", got)
	}
	if w.get("/oauth2/login?rd=%2Freports&prompt=login&acr=a+b&max_age=60&evil=1"); len(w.pages.shown) == 0 {
		t.Fatal("no page")
	}
	w.wantPage("choose")
	c := w.pages.choice
	if got := c.Kept.Encode(); got != "acr=a+b&max_age=60&prompt=login&rd=%2Freports" {
		t.Errorf("the page keeps %q", got)
	}
	if c.Action != "/oauth2/login" || len(c.Options) != 2 || c.Options[0].ID != "staff" || c.Last || !c.ByEmail || c.Email != "" {
		t.Errorf("the page is %+v", c)
	}
	res := w.get("/oauth2/login", func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "cors") })
	if res.StatusCode != http.StatusUnauthorized || res.Header.Get("Sallyport-Error") != string(fault.SignInRequired) || len(w.pages.shown) != 0 {
		t.Errorf("OF-29: a script gets %d %q", res.StatusCode, res.Header.Get("Sallyport-Error"))
	}
}

// C42: a draft can be tried while people go on as before.
func TestDraftIsReachedByItsLinkAlone(t *testing.T) {
	draft := partner()
	draft.about.Draft = true
	w := newWorld(t, nil, staff(), draft)
	for path, want := range map[string]string{
		"/reports":      "https://staff.example/begin?to=/reports",
		"/oauth2/login": "https://staff.example/login?",
		"/oauth2/login?login_hint=bob%40partner.example":  "https://staff.example/login?login_hint=bob%40partner.example",
		"/oauth2/login?idp=partner":                       "https://partner.example/login?idp=partner",
		"/oauth2/login?iss=https%3A%2F%2Fpartner.example": "https://partner.example/login?iss=https%3A%2F%2Fpartner.example",
	} {
		if got := w.led(path); got != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
	w.signedIn("partner")
	if got := w.led("/reports"); got != "https://partner.example/begin?to=/reports" {
		t.Errorf("who tries it is led to %q for another sign-in", got)
	}
}

func TestDraftIsNoChoice(t *testing.T) {
	draft := &fakeProvider{about: idp.About{ID: "third", Title: "T", Draft: true, EmailDomains: []string{"third.example"}}, issuer: "https://partner.example"}
	w := newWorld(t, nil, draft, staff(), partner())
	w.get("/oauth2/login?login_hint=a%40third.example")
	w.wantPage("choose")
	if c := w.pages.choice; len(c.Options) != 2 || c.Options[0].ID != "staff" || c.Options[1].ID != "partner" || c.Email == "" {
		t.Errorf("the page is %+v", c)
	}
	if got := w.led("/oauth2/login?iss=https%3A%2F%2Fpartner.example"); !strings.HasPrefix(got, "https://partner.example/") {
		t.Errorf("the issuer that a draft shares leads to %q", got)
	}
}

func TestRequestDecidesForAProvider(t *testing.T) {
	third := &fakeProvider{about: idp.About{ID: "third", Title: "T"}, issuer: "https://partner.example"}
	tests := []struct {
		name, query string
		want        string // the provider; "" = the page
		code        fault.Code
	}{
		{"by idp", "idp=partner&rd=%2Fa", "partner", ""},
		{"by iss", "iss=https%3A%2F%2Fstaff.example", "staff", ""},
		{"by an iss that two have", "iss=https%3A%2F%2Fpartner.example", "", ""},
		{"by idp and iss, which the provider compares", "idp=third&iss=https%3A%2F%2Fpartner.example", "third", ""},
		{"by the domain of login_hint", "login_hint=bob%40partner.example", "partner", ""},
		{"in any case of letters", "login_hint=Bob%40PARTNER.example", "partner", ""},
		{"with white space", "login_hint=+bob%40partner.example+", "partner", ""},
		{"idp wins over the domain", "idp=staff&login_hint=bob%40partner.example", "staff", ""},
		{"a domain that two have", "login_hint=bob%40shared.example", "", ""},
		{"a domain that nobody has", "login_hint=bob%40elsewhere.example", "", ""},
		{"a domain below", "login_hint=bob%40x.partner.example", "", ""},
		{"two @", "login_hint=a%40corp.example%40partner.example", "", ""},
		{"a name", "login_hint=bob", "", ""},
		{"step-up of nobody", "acr=mfa", "", ""},
		{"renewal of nobody", "renew=true", "", ""},
		{"an unknown idp", "idp=evil", "", fault.LoginInvalid},
		{"an empty idp", "idp=", "", fault.LoginInvalid},
		{"an unknown iss", "iss=https%3A%2F%2Fevil.example", "", fault.LoginInvalid},
		{"OF-04 idp twice", "idp=staff&idp=partner", "", fault.LoginInvalid},
		{"OF-04 rd twice", "rd=%2Fa&rd=%2Fb", "", fault.LoginInvalid},
		{"a hint with a line break", "login_hint=a%0Ab%40partner.example", "", fault.LoginInvalid},
		{"a hint without end", "login_hint=" + strings.Repeat("a", 300) + "%40partner.example", "", fault.LoginInvalid},
		{"a query without end", "rd=%2F" + strings.Repeat("a", 17<<10), "", fault.LoginInvalid},
		{"no query", "%zz", "", fault.LoginInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil, staff(), partner(), third)
			res := w.get("/oauth2/login?" + tt.query)
			if got := res.Header.Get("Sallyport-Error"); got != string(tt.code) {
				t.Fatalf("fault %q, want %q", got, tt.code)
			}
			want := ""
			if tt.want != "" {
				want = "https://" + tt.want + ".example/login?" + tt.query
			}
			if got := res.Header.Get("Location"); got != want {
				t.Errorf("leads to %q, want %q", got, want)
			}
			if tt.want == "" && tt.code == "" {
				w.wantPage("choose")
			}
		})
	}
}

// What was typed stays, and the page says that nobody is known for it; a domain that
// several have narrows the choice.
func TestPageAnswersAnAddress(t *testing.T) {
	w := newWorld(t, nil, staff(), partner(), &fakeProvider{about: idp.About{ID: "third"}})
	for hint, want := range map[string]struct {
		options int
		email   string
	}{
		"bob%40elsewhere.example": {3, "bob@elsewhere.example"},
		"bob%40shared.example":    {2, ""},
		"bob":                     {3, ""},
	} {
		w.get("/oauth2/login?login_hint=" + hint)
		if c := w.pages.choice; len(c.Options) != want.options || c.Email != want.email {
			t.Errorf("%s: %d options, e-mail %q; want %d, %q", hint, len(c.Options), c.Email, want.options, want.email)
		}
	}
	w = newWorld(t, nil, &fakeProvider{about: idp.About{ID: "a"}}, &fakeProvider{about: idp.About{ID: "b"}})
	if w.get("/oauth2/login?login_hint=bob%40corp.example"); w.pages.choice.ByEmail || w.pages.choice.Email != "" {
		t.Errorf("an address is asked for although none leads anywhere: %+v", w.pages.choice)
	}
}

// A session that is over, or not enough, is renewed where it began; after a sign-out
// the person chooses again, with the last choice first.
func TestRenewalGoesToItsProvider(t *testing.T) {
	w := newWorld(t, nil, staff(), partner())
	w.signedIn("partner")
	for path, want := range map[string]string{
		"/admin":                         "https://partner.example/begin?to=/admin",
		"/oauth2/login?acr=mfa":          "https://partner.example/login?acr=mfa",
		"/oauth2/login?max_age=0":        "https://partner.example/login?max_age=0",
		"/oauth2/login?renew=true&rd=/f": "https://partner.example/login?renew=true&rd=/f",
		"/oauth2/login":                  "",
	} {
		if got := w.led(path); got != want {
			t.Errorf("signed in, %s leads to %q, want %q", path, got, want)
		}
	}
	w.wantLast("partner")
	w.loseSessions()
	if got := w.led("/reports"); got != "https://partner.example/begin?to=/reports" {
		t.Errorf("after the session's end a navigation leads to %q", got)
	}
	if got := w.led("/oauth2/login?renew=true"); got != "https://partner.example/login?renew=true" {
		t.Errorf("after the session's end a renewal leads to %q", got)
	}
	w.wantLast("partner") // "Try again" is a choice
	w.get("/oauth2/logout")
	if got := w.led("/reports"); got != "/oauth2/login?rd=%2Freports" {
		t.Errorf("after a sign-out a navigation leads to %q", got)
	}
	w.wantLast("partner")
}

func (w *world) wantLast(id string) {
	w.t.Helper()
	w.get("/oauth2/login")
	w.wantPage("choose")
	if c := w.pages.choice; !c.Last || c.Options[0].ID != id || len(c.Options) != 2 {
		w.t.Errorf("the page is %+v, want %s first", c, id)
	}
}

// Where one provider's people alone may pass, the sign-in is there, whoever is or was
// signed in elsewhere.
func TestOnlyOneProviderIsOfUse(t *testing.T) {
	only := func(id string) func(*http.Request) { return func(r *http.Request) { r.Header.Set("Only", id) } }
	w := newWorld(t, nil, staff(), partner())
	for range 2 {
		if got := w.get("/p", only("partner")).Header.Get("Location"); got != "https://partner.example/begin?to=/p" {
			t.Errorf("leads to %q", got)
		}
		w.signedIn("staff")
	}
	if got := w.get("/p", only("former")).Header.Get("Location"); got != "https://staff.example/begin?to=/p" {
		t.Errorf("one that is not there: leads to %q", got)
	}
}

// A provider that is not configured any more is no choice and no crash.
func TestLastProviderIsGone(t *testing.T) {
	w := newWorld(t, nil, staff(), partner())
	w.signedIn("former")
	if got := w.led("/admin"); got != "/oauth2/login?rd=%2Fadmin" {
		t.Errorf("a step-up leads to %q", got)
	}
	if w.get("/oauth2/login"); w.pages.choice.Last {
		t.Error("the page offers a last one")
	}
	w.loseSessions()
	if got := w.led("/admin"); got != "/oauth2/login?rd=%2Fadmin" {
		t.Errorf("a renewal leads to %q", got)
	}
}

func FuzzEmailDomain(f *testing.F) {
	for _, s := range []string{"a@b", "a@B.C", "@b", "a@", "a@b@c", "", "ä@Ö", "a@b\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		domain, ok := idp.EmailDomain(address)
		if ok != (strings.Count(address, "@") == 1 && address[0] != '@' && address[len(address)-1] != '@') {
			t.Fatalf("%q: ok is %v", address, ok)
		}
		if ok && domain != strings.ToLower(address[strings.Index(address, "@")+1:]) {
			t.Fatalf("%q: domain %q", address, domain)
		}
	})
}
