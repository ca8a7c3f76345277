package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func isCallback(u *url.URL) bool { return u.Path == prefix+"/callback" }

// heldBack signs in, but stops in front of the callback and returns its address.
func (w *world) heldBack(b *browser, path, login string) string {
	w.t.Helper()
	b.stopAt(isCallback)
	defer b.stopAt(func(*url.URL) bool { return false })
	p := w.signIn(b, path, login)
	location, err := p.at.Parse(p.header.Get("Location"))
	if err != nil || !isCallback(location) {
		w.t.Fatalf("no redirect to the callback from %s: %d, %q", p.at, p.status, p.header.Get("Location"))
	}
	return location.String()
}

// codeRedeemed is what the provider says when it redeems a code.
var codeRedeemed = record{"event": "grant.success", "grant_type": "authorization_code"}

// codeGrants is how often the provider redeemed a code.
func (w *world) codeGrants() int { return w.provider.count(codeRedeemed) }

// codeErrors is how often it refused to.
func (w *world) codeErrors() int {
	return w.provider.count(record{"event": "grant.error", "grant_type": "authorization_code"})
}

func TestCallbackReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t)
	callback := w.heldBack(b, "/reports", "ada")
	if p := b.open(callback); p.at.Path != "/reports" {
		t.Fatalf("the callback led to %s: %d", p.at, p.status)
	}

	t.Run("in the same browser it goes on to the app", func(t *testing.T) {
		p := b.open(callback)
		if p.at.Host != strings.TrimPrefix(w.public, "http://") || strings.HasPrefix(p.at.Path, prefix) {
			t.Errorf("led to %s", p.at)
		}
		if values := p.received().values("X-Forwarded-User"); len(values) != 1 || values[0] != "ada" {
			t.Errorf("as %q", values)
		}
	})
	t.Run("in another browser it signs nobody in", func(t *testing.T) {
		other := newBrowser(t)
		p := other.open(callback)
		if !strings.HasPrefix(p.at.String(), w.issuer) && p.status < http.StatusBadRequest {
			t.Errorf("led to %s: %d\n%s", p.at, p.status, p.body)
		}
		if p := other.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusUnauthorized {
			t.Errorf("signed in: %d", p.status)
		}
	})
	if grants, refused := w.provider.awaitCount(1, codeRedeemed), w.codeErrors(); grants != 1 || refused != 0 {
		t.Errorf("the code was presented %d times, want once", grants+refused)
	}
}

// A sign-in that an attacker began, finished in the victim's browser, must not
// sign the victim in as the attacker.
func TestCallbackOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	attacker, victim := newBrowser(t), newBrowser(t)
	callback := w.heldBack(attacker, "/", "grace")
	w.signIn(victim, "/", "ada")
	victim.open(callback)
	if values := victim.open(w.public + "/").received().values("X-Forwarded-User"); len(values) != 1 || values[0] != "ada" {
		t.Errorf("the victim is now %q", values)
	}
	if grants := w.provider.awaitCount(1, codeRedeemed); grants != 1 {
		t.Errorf("%d codes were redeemed, want the victim's own", grants)
	}
}

func TestForgedCallbacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	real, err := url.Parse(w.heldBack(newBrowser(t), "/", "ada"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(url.Values)) string {
		q := real.Query()
		change(q)
		return "?" + q.Encode()
	}
	for name, query := range map[string]string{
		"nothing":        "",
		"no state":       with(func(q url.Values) { q.Del("state") }),
		"forged state":   with(func(q url.Values) { q.Set("state", "forged") }),
		"two states":     with(func(q url.Values) { q.Add("state", "second") }),
		"two codes":      with(func(q url.Values) { q.Add("code", "second") }),
		"code and error": with(func(q url.Values) { q.Set("error", "access_denied") }),
		"other issuer":   with(func(q url.Values) { q.Set("iss", "http://evil.example") }),
		"no issuer":      with(func(q url.Values) { q.Del("iss") }),
		"markup":         "?error=<script>alert(1)</script>&state=x",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t)
			p := b.open(w.public + prefix + "/callback" + query)
			if p.status >= http.StatusInternalServerError && p.status != http.StatusServiceUnavailable {
				t.Errorf("status %d\n%s", p.status, p.body)
			}
			if strings.Contains(p.body, "<script>alert") {
				t.Errorf("the page repeats markup:\n%s", p.body)
			}
			if p := b.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusUnauthorized {
				t.Errorf("signed in: %d", p.status)
			}
		})
	}
	if n := w.codeGrants() + w.codeErrors(); n != 0 {
		t.Errorf("%d codes were presented to the provider, want none", n)
	}
}

// The browser that began the sign-in, with its cookie, but with an answer that
// somebody changed on the way.
func TestChangedAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, change := range map[string]func(url.Values){
		"other issuer": func(q url.Values) { q.Set("iss", w.issuer+"/") },
		"no issuer":    func(q url.Values) { q.Del("iss") }, // the metadata promises it
		"two codes":    func(q url.Values) { q.Add("code", "second") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t)
			callback, err := url.Parse(w.heldBack(b, "/", "ada"))
			if err != nil {
				t.Fatal(err)
			}
			q := callback.Query()
			change(q)
			callback.RawQuery = q.Encode()
			if p := b.open(callback.String()); p.status < http.StatusBadRequest || p.header.Get("Sallyport-Error") == "" {
				t.Errorf("led to %s: %d\n%s", p.at, p.status, p.body)
			}
			if p := b.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusUnauthorized {
				t.Errorf("signed in: %d", p.status)
			}
		})
	}
	if n := w.codeGrants() + w.codeErrors(); n != 0 {
		t.Errorf("%d codes were presented to the provider, want none", n)
	}
}

// A person who is refused at the provider sees a page with a way on, not a loop.
func TestProviderRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.signIn(newBrowser(t), "/", "nobody-of-that-name")
	if p.status < http.StatusBadRequest || !strings.HasPrefix(p.at.String(), w.public) || p.header.Get("Sallyport-Error") == "" {
		t.Errorf("at %s: %d\n%s", p.at, p.status, p.body)
	}
	if !strings.Contains(p.body, prefix+"/login") {
		t.Errorf("the page offers no new try:\n%s", p.body)
	}
}
