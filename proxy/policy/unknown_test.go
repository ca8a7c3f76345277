package policy

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// Of a request that nobody describes every rule could be the one that decides.
func TestUnknown(t *testing.T) {
	p, err := New(Config{
		AllowedEmailDomains: []string{"example.com"}, PublicPaths: []string{"/public/**"},
		Rules: []Rule{
			{Number: 1, Paths: []string{"/open/**"}, Unauthenticated: Allow},
			{Number: 2, Paths: []string{"/a/**"}, Methods: []string{"POST"}, Groups: []string{"a"}},
			{Number: 3, Paths: []string{"/b/**"}, Groups: []string{"b"}},
			{Number: 4, Paths: []string{"/c/**"}, Groups: []string{"c"}, ReportOnly: true},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	u := p.Unknown()
	if u.Public() || u.Anonymous() != Login {
		t.Errorf("public %v, anonymous %q", u.Public(), u.Anonymous())
	}
	for _, tt := range []struct {
		name string
		id   session.Identity
		want bool
	}{
		{"all", session.Identity{Email: "x@example.com", Groups: []string{"a", "b"}}, true},
		{"the first alone", session.Identity{Email: "x@example.com", Groups: []string{"a"}}, false},
		{"the second alone", session.Identity{Email: "x@example.com", Groups: []string{"b"}}, false},
		{"not on the lists", session.Identity{Email: "x@other.example", Groups: []string{"a", "b"}}, false},
	} {
		if v := u.Admit(signedIn(&tt.id), time.Now()); v.Allowed != tt.want {
			t.Errorf("%s: %+v", tt.name, v)
		}
	}
	open, err := New(Config{PublicPaths: []string{"/public/**"}})
	if err != nil {
		t.Fatal(err)
	}
	if u := open.Unknown(); u.Public() || !u.Admit(signedIn(&session.Identity{Subject: "s"}), time.Now()).Allowed {
		t.Error("without rules it takes a session and no more")
	}
}
