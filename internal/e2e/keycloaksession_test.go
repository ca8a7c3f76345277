//go:build keycloak

package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// recordEvents makes Keycloak keep what it does, for events.
func (k *keycloak) recordEvents() {
	k.t.Helper()
	k.changeRealm(map[string]any{"eventsEnabled": true, "enabledEventTypes": []string{"REFRESH_TOKEN", "REFRESH_TOKEN_ERROR"}})
}

// refresh makes Sallyport ask for new tokens, which it does at most every five
// seconds, and waits until Keycloak has answered for the nth time.
func (k *keycloak) refresh(b *browser, n int) {
	k.t.Helper()
	k.await("a refresh", func() bool {
		p := b.fetch(http.MethodPost, k.public+prefix+"/session/refresh")
		if p.status != http.StatusOK {
			k.t.Fatalf("POST /session/refresh: %d %s", p.status, p.body)
		}
		return k.events("REFRESH_TOKEN") == n
	})
}

// awaitSignedOut waits until b has no session, with whatever ask does in between.
func (k *keycloak) awaitSignedOut(ask func() page) {
	k.t.Helper()
	k.await("401", func() bool {
		p := ask()
		if p.status != http.StatusOK && p.status != http.StatusUnauthorized {
			k.t.Fatalf("waiting for 401: %d %s", p.status, p.body)
		}
		return p.status == http.StatusUnauthorized
	})
}

// logOutByAdmin ends a user's sessions as the button "Logout all sessions" of the
// console does.
func (k *keycloak) logOutByAdmin(username string) {
	k.t.Helper()
	k.ask(http.MethodPost, realmPath+"/users/"+k.userID(username)+"/logout", nil, nil)
}

// With "Revoke Refresh Token" a second use of a refresh token is an error, so that
// each refresh has to use the token of the one before.
func (k *keycloak) rotates() {
	k.recordEvents()
	k.changeRealm(map[string]any{"revokeRefreshToken": true, "refreshTokenMaxReuse": 0})
	k.startSite("SALLYPORT_PASS_ACCESS_TOKEN=true")
	b := newBrowser(k.t)
	token := k.signIn(b, "/", "ada").received().values("X-Forwarded-Access-Token")
	for n := range 2 {
		k.refresh(b, n+1)
		if mode := k.state(b).Mode; mode != "full" {
			k.t.Errorf("after refresh %d the mode is %q", n+1, mode)
		}
		next := b.open(k.public + "/").received().values("X-Forwarded-Access-Token")
		if slices.Equal(next, token) {
			k.t.Errorf("refresh %d brought no new access token", n+1)
		}
		token = next
	}
	if n := k.events("REFRESH_TOKEN_ERROR"); n != 0 {
		k.t.Errorf("Keycloak refused %d refreshes", n)
	}
}

// The realm names no address for back-channel logout, so Sallyport learns of the end
// by asking.
func (k *keycloak) endsSession() {
	k.startSite()
	b := newBrowser(k.t)
	k.signIn(b, "/", "ada")
	k.logOutByAdmin("ada")
	if p := b.fetch(http.MethodGet, k.public+prefix+"/session"); p.status != http.StatusOK {
		k.t.Fatalf("before a refresh: %d %s", p.status, p.body)
	}
	k.awaitSignedOut(func() page { return b.fetch(http.MethodPost, k.public+prefix+"/session/refresh") })
	k.sallyport.awaitRecord(record{"msg": "session ended", "reason": "idp_session_ended"})
	k.signInForm(b, "/")
}

func (k *keycloak) callsBack() {
	k.changeClient(map[string]string{
		"backchannel.logout.url":              k.public + prefix + "/logout/backchannel",
		"backchannel.logout.session.required": "true",
	})
	k.startSite()
	const rounds = 5
	var whole, after []time.Duration // since Keycloak was asked; since it answered
	for range rounds {
		b, other := newBrowser(k.t), newBrowser(k.t)
		k.signIn(b, "/", "ada")
		k.signIn(other, "/", "grace")
		asked := time.Now()
		k.logOutByAdmin("ada")
		answered := time.Now()
		k.awaitSignedOut(func() page { return b.fetch(http.MethodGet, k.public+prefix+"/session") })
		whole, after = append(whole, time.Since(asked)), append(after, time.Since(answered))
		if k.state(other).User.Name != "grace" {
			k.t.Error("the session of somebody else ended too")
		}
	}
	slices.Sort(whole)
	slices.Sort(after)
	k.t.Logf("401 over %d rounds: since Keycloak was asked, median %s, longest %s; since its answer, median %s, longest %s",
		rounds, whole[rounds/2], whole[rounds-1], after[rounds/2], after[rounds-1])
	// Keycloak sends the logout token before it answers.
	if longest := after[rounds-1]; longest > time.Second {
		k.t.Errorf("a session was still there %s after Keycloak's answer", longest)
	}
	if n := k.sallyport.count(record{"msg": "session ended", "reason": "backchannel_logout"}); n != rounds {
		k.t.Errorf("%d sessions ended by back-channel logout, want %d", n, rounds)
	}
}

func (k *keycloak) isSignedOutFrom() {
	k.startSite("SALLYPORT_PUBLIC_PATHS=/goodbye")
	b := newBrowser(k.t)
	k.signIn(b, "/", "ada")
	p := b.open(k.public + prefix + "/logout?rd=/goodbye")
	atKeycloak := slices.ContainsFunc(p.via, func(u *url.URL) bool {
		q := u.Query()
		return strings.HasPrefix(u.String(), k.issuer+"/protocol/openid-connect/logout?") && q.Has("id_token_hint") && q.Has("client_id") && q.Has("state")
	})
	if !atKeycloak || p.at.Path != "/goodbye" {
		k.t.Errorf("the sign-out went by %s to %s: %d\n%s", p.via, p.at, p.status, p.body)
	}
	// Keycloak has forgotten the person: it asks for the password again.
	k.signIn(b, "/", "grace")
	if name := k.state(b).User.Name; name != "grace" {
		k.t.Errorf("signed in as %q", name)
	}
	// Without id_token_hint, client_id alone is enough to be asked and led back.
	p = b.open(k.issuer + "/protocol/openid-connect/logout?" + url.Values{
		"client_id": {clientID}, "post_logout_redirect_uri": {k.public + prefix + "/logout/callback"},
	}.Encode())
	if p.status != http.StatusOK || !strings.Contains(p.body, "<form") {
		k.t.Errorf("a sign-out by client_id: %d\n%s", p.status, p.body)
	}
}

// A refresh token that was asked for with offline_access outlives the session, and so
// does one that the client is given unasked.
func (k *keycloak) givesOfflineTokens() {
	k.recordEvents()
	k.startSite("SALLYPORT_OIDC_SCOPES=openid,profile,email,offline_access")
	p := k.signIn(newBrowser(k.t), "/", "alan")
	if code := p.header.Get("Sallyport-Error"); code != "idp_token_response_invalid" {
		k.t.Errorf("without the role offline_access: %d %q", p.status, code)
	}
	k.giveRole("ada", "offline_access")
	k.giveRole("grace", "offline_access")
	b := newBrowser(k.t)
	k.signIn(b, "/", "ada")
	if mode := k.state(b).Mode; mode != "not_bound" {
		k.t.Errorf("with offline_access the mode is %q", mode)
	}
	k.signOutOnlyThere(b)
	if n := k.sessions("ada"); n != 0 {
		k.t.Fatalf("ada still has %d sessions at Keycloak", n)
	}
	k.refresh(b, 1)

	k.sallyport.stop()
	k.alwaysGive("offline_access")
	k.startSite("SALLYPORT_SESSION_BINDING=idp")
	p = k.signIn(newBrowser(k.t), "/", "grace")
	if code := p.header.Get("Sallyport-Error"); code != "session_not_bound" {
		k.t.Errorf("SALLYPORT_SESSION_BINDING=idp: %d %q at %s", p.status, code, p.at)
	}
}

// signOutOnlyThere ends the session of b at Keycloak, as its account pages do, without
// a word to Sallyport.
func (k *keycloak) signOutOnlyThere(b *browser) {
	k.t.Helper()
	p := b.open(k.issuer + "/protocol/openid-connect/logout")
	if strings.Contains(p.body, "<form") {
		p = b.submit(p, nil)
	}
	if p.status != http.StatusOK {
		k.t.Fatalf("signing out at Keycloak: %d\n%s", p.status, p.body)
	}
}

// sessions counts a user's sessions at Keycloak; those that only offline tokens keep
// are not among them.
func (k *keycloak) sessions(username string) int {
	k.t.Helper()
	var found []struct{ ID string }
	k.ask(http.MethodGet, realmPath+"/users/"+k.userID(username)+"/sessions", nil, &found)
	return len(found)
}
