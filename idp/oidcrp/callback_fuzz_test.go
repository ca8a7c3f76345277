package oidcrp

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// oneSignIn is a browser with one sign-in under way and no session.
type oneSignIn struct{ p session.Pending }

func (o oneSignIn) BeginLogin(http.ResponseWriter, *http.Request, session.Pending) error { return nil }
func (o oneSignIn) ClearPending(http.ResponseWriter, *http.Request, string)              {}

func (oneSignIn) AskForAccount(http.ResponseWriter) {}

func (oneSignIn) AsksForAccount(*http.Request) bool { return false }

func (o oneSignIn) Pending(_ *http.Request, state string) (session.Pending, error) {
	if state != o.p.State {
		return session.Pending{}, &session.NoPendingError{Why: session.NoLoginCookie}
	}
	return o.p, nil
}

func (o oneSignIn) Peek(*http.Request) (*session.Session, error) {
	return nil, &session.NoSessionError{Why: session.NoCookie}
}

func (o oneSignIn) Start(http.ResponseWriter, *http.Request, session.Login) (*session.Session, error) {
	return nil, errors.New("no test provider issues tokens")
}

func (o oneSignIn) End(http.ResponseWriter, *http.Request, session.Reason) (*session.Session, error) {
	return nil, nil
}

// tokenCalls stands for the provider: it counts, and refuses.
type tokenCalls struct{ codes []string }

func (c *tokenCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	_ = r.ParseForm()
	c.codes = append(c.codes, r.PostForm.Get("code"))
	return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"error":"invalid_grant"}`)), Request: r}, nil
}

// fuzzClient is a relying party for one browser, which knows its provider.
func fuzzClient(tb testing.TB, browser oneSignIn) (*Client, *tokenCalls) {
	tb.Helper()
	returns, err := session.NewReturnPolicy(session.ReturnConfig{PublicURL: &url.URL{Scheme: "https", Host: "app.example.com"}, Prefix: "/oauth2"})
	if err != nil {
		tb.Fatal(err)
	}
	const issuer = "https://idp.example.com"
	c, err := New(Config{
		ID: "generic", Issuer: issuer, ClientID: testClient, ClientSecret: func() secret.Text { return secret.New(testSecret) },
		ClientAuth: ClientSecretBasic, SigningAlgs: signingAlgs[:], Scopes: []string{"openid"}, Userinfo: UserinfoNever,
		EmailVerified: EmailIgnoreVerified, RedirectURL: "https://app.example.com/oauth2/callback",
		PostLogoutRedirectURL: "https://app.example.com/oauth2/logout/callback", Prefix: "/oauth2", Timeout: time.Second,
		Sessions: browser, Logins: browser, Pages: &pageRecorder{}, Returns: returns,
		IsNavigation: func(*http.Request) bool { return true },
	})
	if err != nil {
		tb.Fatal(err)
	}
	calls := &tokenCalls{}
	c.caller.client.Transport = calls
	c.provider.Store(&metadata{Issuer: issuer, AuthorizationEndpoint: issuer + "/authorize", TokenEndpoint: issuer + "/token"})
	return c, calls
}

// Whatever comes back through a browser is answered without a panic, leads nowhere
// but to the provider, and redeems a code only for the sign-in that is under way.
func FuzzCallbackQuery(f *testing.F) {
	ours := "1" + strings.Repeat("A", 43)
	for _, seed := range []string{
		"code=c&state=" + ours, "code=c&state=" + ours + "&iss=https://idp.example.com", "error=access_denied&state=" + ours,
		"code=c&code=d&state=" + ours, "code=c&state=" + ours + "&iss=https://evil.example", "code=&state=" + ours,
		"code=c;state=" + ours, "state=" + newState(stateRestarted) + "&code=c", "state=" + ("L" + randomText()) + "&code=c",
		"state=%00&code=%zz", "State=" + ours + "&Code=c", "code=c&state=" + ours + "&session_state=a&session_state=b", "code=c&error=x&state=" + ours,
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	c, calls := fuzzClient(f, oneSignIn{session.Pending{IdP: "generic", State: ours, Nonce: "n", Verifier: "v", CreatedAt: time.Now()}})
	f.Fuzz(func(t *testing.T, query string, post bool) {
		c.spent, calls.codes = newSpentStates(time.Now), nil
		r := httptest.NewRequest(http.MethodGet, "/oauth2/callback", nil)
		r.URL.RawQuery = query
		if post {
			r = httptest.NewRequest(http.MethodPost, "/oauth2/callback", strings.NewReader(query))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		rec := httptest.NewRecorder()
		c.callback(rec, r)
		to := rec.Header().Get("Location")
		if to != "" && !strings.HasPrefix(to, "https://idp.example.com/authorize?") || strings.ContainsAny(to, "\r\n") {
			t.Fatalf("%q leads to %q", query, to)
		}
		if rec.Code != http.StatusFound && rec.Code != http.StatusSeeOther && rec.Code < 400 || rec.Code == http.StatusInternalServerError {
			t.Fatalf("%q is answered with %d", query, rec.Code)
		}
		if rec.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%q: the answer may be stored", query)
		}
		wantRedeemed(t, query, ours, calls.codes)
	})
}

// wantRedeemed says again, from the query alone, when a code may be redeemed.
func wantRedeemed(t *testing.T, query, state string, codes []string) {
	t.Helper()
	if len(codes) == 0 {
		return
	}
	q, err := url.ParseQuery(query)
	if err != nil || len(codes) > 1 || len(q["state"]) != 1 || q.Get("state") != state || len(q["code"]) != 1 || q.Get("code") != codes[0] ||
		q.Has("error") || q.Has("iss") && (len(q["iss"]) != 1 || q.Get("iss") != "https://idp.example.com") {
		t.Fatalf("%q redeems %q", query, codes)
	}
}

// The fuzz target must be able to redeem at all.
func TestFuzzClientRedeems(t *testing.T) {
	ours := "1" + strings.Repeat("A", 43)
	c, calls := fuzzClient(t, oneSignIn{session.Pending{IdP: "generic", State: ours, Nonce: "n", Verifier: "v"}})
	c.callback(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/oauth2/callback?code=c&state="+ours, nil))
	if len(calls.codes) != 1 || calls.codes[0] != "c" {
		t.Errorf("codes %q, want the one", calls.codes)
	}
}
