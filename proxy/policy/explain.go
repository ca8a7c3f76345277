package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/session"
)

// Line is one line of an explanation.
type Line struct{ What, Says string }

// Explain says which rules decide about a request and why: of nobody and, unless
// s is nil, of somebody. It is for people who write rules.
func (p *Policy) Explain(r Request, s *session.Session, now time.Time) []Line {
	g := p.Rule(r)
	lines := []Line{{"request", r.Method + " " + r.Path}}
	if _, ok := unambiguous(r.Path); !ok {
		says := "too many to find: every rule has to be passed"
		if readings, complete := Readings(r.Path); complete {
			says = strings.Join(readings, "  ") + " (every one has to pass)"
		}
		lines = append(lines, Line{"readings", says})
	}
	if g.reported != nil {
		lines = append(lines, Line{"report only", g.reported.String()})
	}
	for decides := range g.deciding {
		lines = append(lines, Line{"decides", decides.String()})
	}
	if g.public {
		return append(lines, Line{"result", "public: it passes without a session (" + varPublic + ")"})
	}
	lines = append(lines, Line{"without a session", map[Unauthenticated]string{
		Login: "a navigation is led to the sign-in, anything else gets 401",
		Deny:  "401",
		Allow: "it passes, and the app is told of nobody",
	}[g.Anonymous()]})
	if s == nil {
		return lines
	}
	return append(lines, Line{"with these claims", g.Admit(s, now).String()})
}

// String says what somebody is told.
func (v Verdict) String() string {
	if v.Allowed {
		return "it passes"
	}
	return fmt.Sprintf("refused with %s: %s", v.Code, v.Reason)
}

// String names the rule by its variables.
func (r *rule) String() string {
	if r.number == 0 {
		return "no rule: anybody who is signed in"
	}
	return fmt.Sprintf("rule %d (SALLYPORT_RULE_%d_PATHS)", r.number, r.number)
}
