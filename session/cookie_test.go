package session

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCookieAttributes(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  CookieConfig
		want string
	}{
		"https":            {CookieConfig{Name: "sallyport", Secure: true}, "__Host-sallyport=v; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"https and domain": {CookieConfig{Name: "sallyport", Secure: true, Domain: ".Example.com"}, "__Secure-sallyport=v; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax"},
		"http":             {CookieConfig{Name: "sallyport"}, "sallyport=v; Path=/; HttpOnly; SameSite=Lax"},
		"http and domain":  {CookieConfig{Name: "x.y_z-1", Domain: "example.com"}, "x.y_z-1=v; Path=/; Domain=example.com; HttpOnly; SameSite=Lax"},
		"none":             {CookieConfig{Name: "s", Secure: true, SameSite: http.SameSiteNoneMode}, "__Host-s=v; Path=/; HttpOnly; Secure; SameSite=None"},
		"strict":           {CookieConfig{Name: "s", Secure: true, SameSite: http.SameSiteStrictMode}, "__Host-s=v; Path=/; HttpOnly; Secure; SameSite=Strict"},
		"default":          {CookieConfig{Name: "s", SameSite: http.SameSiteDefaultMode}, "s=v; Path=/; HttpOnly; SameSite=Lax"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := NewCookies(test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			c.setSession(w, "v")
			if got := w.Header().Get("Set-Cookie"); got != test.want {
				t.Errorf("Set-Cookie: %s\nwant        %s", got, test.want)
			}
			if c.SessionName() != test.want[:strings.Index(test.want, "=")] {
				t.Errorf("SessionName = %s", c.SessionName())
			}
			w = httptest.NewRecorder()
			c.clear(w, c.SessionName())
			want := strings.Replace(strings.Replace(test.want, "=v;", "=;", 1), "; HttpOnly", "; Max-Age=0; HttpOnly", 1)
			if got := w.Header().Get("Set-Cookie"); got != want {
				t.Errorf("clearing Set-Cookie: %s\nwant                 %s", got, want)
			}
		})
	}
}

func TestNewCookiesRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  CookieConfig
		want string
	}{
		"no name":           {CookieConfig{}, "SALLYPORT_COOKIE_NAME"},
		"long name":         {CookieConfig{Name: strings.Repeat("a", 65)}, "SALLYPORT_COOKIE_NAME"},
		"our prefix":        {CookieConfig{Name: "__Host-x", Secure: true}, "leave the prefix out"},
		"their prefix":      {CookieConfig{Name: "__Http-x"}, "leave the prefix out"},
		"space":             {CookieConfig{Name: "a b"}, "letters, digits"},
		"equals":            {CookieConfig{Name: "a=b"}, "letters, digits"},
		"semicolon":         {CookieConfig{Name: "a;b"}, "letters, digits"},
		"the MAC separator": {CookieConfig{Name: "a|b"}, "letters, digits"},
		"line end":          {CookieConfig{Name: "a\r\nSet-Cookie: b"}, "letters, digits"},
		"not ASCII":         {CookieConfig{Name: "sessión"}, "letters, digits"},
		"none on http":      {CookieConfig{Name: "s", SameSite: http.SameSiteNoneMode}, "SALLYPORT_COOKIE_SAMESITE=none needs"},
		"unknown SameSite":  {CookieConfig{Name: "s", SameSite: 99}, "SALLYPORT_COOKIE_SAMESITE"},
		"top-level domain":  {CookieConfig{Name: "s", Domain: ".com"}, "SALLYPORT_COOKIE_DOMAIN"},
		"domain with path":  {CookieConfig{Name: "s", Domain: "example.com/x"}, "SALLYPORT_COOKIE_DOMAIN"},
		"domain attribute":  {CookieConfig{Name: "s", Domain: "example.com; Secure"}, "SALLYPORT_COOKIE_DOMAIN"},
		"domain with port":  {CookieConfig{Name: "s", Domain: "example.com:80"}, "SALLYPORT_COOKIE_DOMAIN"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewCookies(test.cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("NewCookies = %v, want an error that says %q", err, test.want)
			}
		})
	}
}

// A Strict login cookie would stay away from the callback, which another site
// begins.
func TestLoginCookieIsNeverStrict(t *testing.T) {
	c, err := NewCookies(CookieConfig{Name: "s", Secure: true, SameSite: http.SameSiteStrictMode})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	c.setLogin(w, "__Host-s-login-abc", "v")
	want := "__Host-s-login-abc=v; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
	if got := w.Header().Get("Set-Cookie"); got != want {
		t.Errorf("Set-Cookie: %s\nwant        %s", got, want)
	}
}

func TestOwns(t *testing.T) {
	for _, cfg := range []CookieConfig{
		{Name: "sallyport", Secure: true},
		{Name: "sallyport", Secure: true, Domain: "example.com"},
		{Name: "sallyport"},
	} {
		c, err := NewCookies(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{
			"sallyport", "__Host-sallyport", "__Host-sallyport-account", "__Host-sallyport-idp", "sallyport-idp", "__Secure-sallyport", "__host-sallyport", "__HOST-sallyport", "__Http-sallyport", "__Host-Http-sallyport",
			"sallyport-login-abcd1234", "__Host-sallyport-login-abcd1234", "__Secure-sallyport-login-", "sallyport-login-",
			"sallyport_0", "sallyport-1", "sallyport_01", "__Host-sallyport_2899", "__Secure-sallyport-99999999999999999999",
			c.SessionName(),
		} {
			if !c.Owns(name) {
				t.Errorf("%s: %q is not ours", c.SessionName(), name)
			}
		}
		for _, name := range []string{
			"", "_", "__", "__Host-", "sallyport_", "sallyport-", "sallyport_x", "sallyport_-1", "sallyport-login", "sallyport-idp-", "sallyport-idpx", "sallyport_1a",
			"sallyports", "Sallyport", "xsallyport", "__Hostsallyport", "__Host-__Host-sallyport", "session", "sallyport.x", " sallyport", "sallyport ",
		} {
			if c.Owns(name) {
				t.Errorf("%s: %q is taken for ours", c.SessionName(), name)
			}
		}
	}
	if (Cookies{}).Owns("") || (Cookies{}).Owns("-login-") {
		t.Error("the zero value owns a cookie")
	}
}

func TestOwnsDoesNotAllocate(t *testing.T) {
	c, err := NewCookies(CookieConfig{Name: "sallyport", Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { c.Owns("__Host-sallyport_12"); c.Owns("theme") }); n != 0 {
		t.Errorf("Owns allocates %v times, want 0", n)
	}
}

// TestSetPartRepeats: an edge proxy that asks cannot take two values out of Set-Cookie.
func TestSetPartRepeats(t *testing.T) {
	c, err := NewCookies(CookieConfig{Name: "sallyport", Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{PartField(0): {""}, PartField(1): {""}}
	c.SetPart(h, 0, "first")
	c.SetPart(h, 1, "")
	for n, want := range h["Set-Cookie"] {
		if got := h[PartField(n)]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", PartField(n), got, want)
		}
	}
	plain := http.Header{}
	if c.SetPart(plain, 0, "first"); len(plain) != 1 {
		t.Errorf("nobody asked for more than Set-Cookie: %v", plain)
	}
}
