package proxy

import (
	"html"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

func bankRules() policy.Config {
	age := 10 * time.Minute
	return policy.Config{
		PublicPaths: []string{"/public/**"},
		Rules: []policy.Rule{
			{Number: 4, Paths: []string{"/bank/**"}, ACR: []string{"gold"}, MaxAge: &age},
			{Number: 5, Paths: []string{"/api/**"}, ACR: []string{"gold"}, Unauthenticated: policy.Deny},
			{Number: 6, Paths: []string{"/lead/**"}, ACR: []string{"lead"}},
			{Number: 7, Paths: []string{"/public/new/**", "/new/**"}, Groups: []string{"pilots"}, ReportOnly: true},
		},
	}
}

// Who is not signed in yet is asked for the right sign-in at once, and so is a script
// told of it.
func TestFirstSignInIsEnough(t *testing.T) {
	f := newRuled(t, bankRules())
	f.get("/bank/x", asNavigation...).wantStatus(t, 302)
	if got := f.login.asked; !slices.Equal(got.ACR, []string{"gold"}) || got.MaxAge == nil || *got.MaxAge != 10*time.Minute {
		t.Errorf("the first sign-in asks for %+v", got)
	}
	a := f.get("/bank/x", "Accept: application/json")
	if a.wantStatus(t, 401); a.Header.Get("Sallyport-Error") != "sign_in_required" || !strings.Contains(a.body, `"login_url":"/oauth2/login?acr=gold\u0026max_age=600"`) {
		t.Errorf("a script is told\n%s", a.body)
	}
	f.get("/other", asNavigation...).wantStatus(t, 302)
	if got := f.login.asked; got.ACR != nil || got.MaxAge != nil {
		t.Errorf("a sign-in for another path asks for %+v", got)
	}
}

// No path leads round in a circle: where no sign-in passes all rules there is a page,
// and where a rule says deny nobody is led away.
func TestStepUpWithoutRedirect(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		status     int
		code       string
	}{
		{"rules with nothing in common", "/bank/../lead", 403, "step_up_failed"},
		{"deny", "/api/x", 401, "step_up_required"},
	} {
		f := newRuled(t, bankRules())
		a := f.get(tt.path, append(slices.Clone(asNavigation), "Cookie: "+valid)...)
		if a.wantStatus(t, tt.status); a.Header.Get("Sallyport-Error") != tt.code || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %s %s", tt.name, a.Header.Get("Sallyport-Error"), a.Header.Get("Content-Type"))
		}
		if f.login.last() != "" {
			t.Errorf("%s: led to a sign-in", tt.name)
		}
		f.app.wantNone(t)
		if n := testutil.ToFloat64(f.site.metrics.decisions[Refuse][tt.code]); n != 1 {
			t.Errorf("%s: counted %v times", tt.name, n)
		}
	}
}

// A form that meets a rule which asks for another sign-in is kept over that sign-in;
// one that meets a rule which says deny is not.
func TestFormIsKeptOverAStepUp(t *testing.T) {
	m := newManaged(t, "")
	p, err := policy.New(bankRules())
	if err != nil {
		t.Fatal(err)
	}
	m.site.decider.policy = p
	cookie := m.signIn("alice")
	a := m.sendForm("/bank/transfer", cookie, "sum=1", formFields...)
	sealed := sealedIn(t, a)
	if want := `href="/oauth2/login?acr=gold&max_age=600&renew=true&rd=%2Foauth2%2Fform"`; !strings.Contains(strings.ToLower(html.UnescapeString(a.body)), strings.ToLower(want)) {
		t.Errorf("the page does not lead to %s:\n%s", want, a.body)
	}
	again := m.sendForm("/oauth2/form", m.signIn("alice"), "form="+sealed, formFields...)
	if again.wantStatus(t, 200); !strings.Contains(again.body, `data-to="/bank/transfer"`) {
		t.Errorf("it is not sent on:\n%s", again.body)
	}
	m.sendForm("/oauth2/form", m.signIn("bob"), "form="+sealed, formFields...).wantStatus(t, 403)
	for name, cookie := range map[string]string{"signed in": cookie, "ended": m.endedSession()} {
		if a := m.sendForm("/api/x", cookie, "sum=1", formFields...); a.StatusCode != 401 || strings.Contains(a.body, `id="sealed"`) {
			t.Errorf("deny, %s: status %d, a form is kept:\n%s", name, a.StatusCode, a.body)
		}
	}
	m.app.wantNone(t)
}

// A rule that is tried out for a public path sees who is there, whose session is not
// prolonged by it; the app is told of nobody still.
func TestReportOnPublicPath(t *testing.T) {
	f := newRuled(t, bankRules())
	f.auth.add("pilot", session.Identity{Subject: "p", User: "pilot", Groups: []string{"pilots"}})
	for _, line := range []string{"Cookie: __Host-sallyport=pilot", "Cookie: " + valid, "X-Nobody: 1"} {
		f.get("/public/new/x", line).wantStatus(t, 200)
	}
	f.get("/public/old/x", "Cookie: "+valid).wantStatus(t, 200)
	for decision, want := range map[string]float64{reportedPass: 1, reportedRefusal: 2} {
		if n := testutil.ToFloat64(f.site.metrics.reported.WithLabelValues("7", decision)); n != want {
			t.Errorf("%v times %s, want %v", n, decision, want)
		}
	}
	for _, r := range f.app.requests() {
		if r.values("X-Forwarded-User") != nil {
			t.Error("a public path tells an identity")
		}
	}
	if f.auth.asked != 0 || f.auth.peeked != 3 {
		t.Errorf("the session was used %d times and looked at %d times, want 0 and 3", f.auth.asked, f.auth.peeked)
	}
	if got := f.logs.String(); strings.Count(got, "a report-only rule would have refused") != 2 || !strings.Contains(got, `"rule":7`) {
		t.Errorf("log:\n%s", got)
	}
}

// Every series of the rules is there before the first request.
func TestReportSeriesExist(t *testing.T) {
	f := newRuled(t, bankRules())
	if n := testutil.CollectAndCount(f.site.metrics.reported); n != 2 {
		t.Errorf("%d series, want 2", n)
	}
}
