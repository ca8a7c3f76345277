package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// A path with two readings under two rules is open to a sign-in that passes both, which
// is asked for at once: asked for in turns, each would undo the other without end. Where
// no sign-in passes both, nobody is sent to one.
func TestStepUpForTwoRules(t *testing.T) {
	ruling := func(second Rule) Ruling {
		second.Number, second.Paths = 2, []string{"/b/**"}
		p := mustNew(t, Config{Rules: []Rule{{Number: 1, Paths: []string{"/a/**"}, ACR: []string{"gold", "silver"}, MaxAge: minutes(30)}, second}})
		return p.Rule(Request{Method: "GET", Path: "/a/../b"})
	}
	for _, tc := range []struct {
		name   string
		second Rule
		acr    []string // asked for
		age    int      // minutes
	}{
		{"acr in common", Rule{ACR: []string{"silver", "bronze"}}, []string{"silver"}, 30},
		{"more recent", Rule{MaxAge: minutes(10)}, []string{"gold", "silver"}, 10},
		{"less recent", Rule{MaxAge: minutes(60)}, []string{"gold", "silver"}, 30},
	} {
		g := ruling(tc.second)
		v := g.Admit(signedIn(&session.Identity{Subject: "s", ACR: "bronze", AuthTime: now}), now.Add(15*time.Minute))
		if v.Code != CodeStepUpRequired || v.StepUp == nil || !slices.Equal(v.StepUp.ACR, tc.acr) || *v.StepUp.MaxAge != time.Duration(tc.age)*time.Minute {
			t.Errorf("%s: %+v asks for %+v", tc.name, v, v.StepUp)
			continue
		}
		done := &session.Identity{Subject: "s", ACR: v.StepUp.ACR[0], AuthTime: now}
		if v := g.Admit(signedIn(done), now); !v.Allowed {
			t.Errorf("%s: after that %+v", tc.name, v)
		}
	}
	for _, have := range []string{"gold", "bronze", ""} {
		g := ruling(Rule{ACR: []string{"bronze"}})
		if v := g.Admit(signedIn(&session.Identity{Subject: "s", ACR: have, AuthTime: now}), now); v.Code != CodeStepUpFailed || v.StepUp != nil {
			t.Errorf("nothing in common, with %q: %+v", have, v)
		}
	}
}

// Who lacks a group is told so, and not sent to sign in once more for nothing.
func TestStepUpComesLast(t *testing.T) {
	p := mustNew(t, Config{Rules: []Rule{{Number: 1, Paths: []string{"/a/**"}, ACR: []string{"gold"}}, {Number: 2, Paths: []string{"/b/**"}, Groups: []string{"g"}}}})
	if v := p.Rule(Request{Method: "GET", Path: "/a/../b"}).Admit(signedIn(&session.Identity{Subject: "s"}), now); v.Code != CodeGroupNotAllowed {
		t.Errorf("%+v, want %s", v, CodeGroupNotAllowed)
	}
}
