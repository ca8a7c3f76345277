package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/session"
)

// Ruling is what the rules say about a request, before anybody asks who sent it.
// It is a value; only Policy.Rule makes a usable one.
type Ruling struct {
	policy *Policy
	public bool
	// first decides; others decide as well where a path has several readings.
	first    *rule
	others   []*rule
	reported *rule // the rule that would have decided, were it not report-only; or nil
}

// Rule finds the rules that decide about a request: of those that match the first
// by number. A path that applications may read in several ways has a rule for each
// reading, and every one has to be passed. So has a rule with a lower number that the
// path misses by a hair (see near): to some applications it is the same. A rule that
// lets through what would be refused matches only paths with one reading, exactly.
func (p *Policy) Rule(r Request) Ruling {
	ruling := Ruling{policy: p}
	if decoded, ok := unambiguous(r.Path); ok {
		wire := r.Path
		if decoded != wire {
			wire = upperEscapes(wire)
		}
		ruling.read(r.Method, decoded, func(candidate *rule) bool { return candidate.namesExactly(wire, decoded) })
	} else if !p.readAll(r, &ruling) {
		return p.Unknown()
	}
	if ruling.first == nil {
		ruling.first = &p.none
		ruling.public = p.Public(r)
	}
	return ruling
}

// readAll reads a path that applications may read in several ways. It reports whether
// all of them are known.
func (p *Policy) readAll(r Request, ruling *Ruling) bool {
	if len(p.rules) == 0 {
		return true
	}
	readings, complete := Readings(r.Path)
	if !complete || !strings.HasPrefix(r.Path, "/") {
		return false
	}
	for _, reading := range readings {
		ruling.read(r.Method, reading, func(candidate *rule) bool {
			return !candidate.relaxes() && slices.ContainsFunc(candidate.paths, func(p pattern) bool { return p.decoded.match(reading) })
		})
	}
	return true
}

// read notes the rules for one reading of a path, up to the first that names it.
func (g *Ruling) read(method, reading string, names func(*rule) bool) {
	if len(g.policy.rules) == 0 {
		return
	}
	hair := near(reading)
	for _, candidate := range g.policy.rules {
		if !candidate.speaksOf(method) {
			continue
		}
		named := names(candidate)
		if !named && (candidate.relaxes() || !candidate.nearly(hair)) {
			continue
		}
		g.take(candidate)
		if named && !candidate.report {
			return
		}
	}
}

// take notes a rule that decides, or reports.
func (g *Ruling) take(r *rule) {
	switch {
	case r.report:
		if g.reported == nil {
			g.reported = r
		}
	case g.first == nil:
		g.first = r
	case g.first != r && !slices.Contains(g.others, r):
		g.others = append(g.others, r)
	}
}

// deciding yields the rules that decide.
func (g Ruling) deciding(yield func(*rule) bool) {
	if !yield(g.first) {
		return
	}
	for _, r := range g.others {
		if !yield(r) {
			return
		}
	}
}

// Public reports whether nobody needs to ask for a session.
func (g Ruling) Public() bool { return g.public }

// Number names the rule that decides, for the log; 0 = none.
func (g Ruling) Number() int { return g.first.number }

// Anonymous says what the request gets without a session: of several rules that decide
// the strictest.
func (g Ruling) Anonymous() Unauthenticated {
	strictest := Allow
	for r := range g.deciding {
		if r.anonymous == Deny || strictest == Allow {
			strictest = r.anonymous
		}
	}
	return strictest
}

// Admit holds a signed-in person against the lists of Config and every rule that
// decides; nil is nobody. now is the time that the age of the sign-in is counted to.
func (g Ruling) Admit(s *session.Session, now time.Time) Verdict {
	if s == nil {
		return g.policy.Admit(nil)
	}
	if v := g.policy.Admit(&s.Identity); !v.Allowed {
		return v
	}
	for r := range g.deciding {
		if v := r.admit(s); !v.Allowed {
			return v
		}
	}
	for r := range g.deciding {
		if v := r.assure(&s.Identity, now); !v.Allowed {
			return g.stepUp(v)
		}
	}
	return Verdict{Allowed: true}
}

// Reports reports whether a report-only rule would have decided.
func (g Ruling) Reports() bool { return g.reported != nil }

// Reported is what the report-only rule that would have decided says of somebody,
// nil for nobody, and the rule's number; 0 = there is none.
func (g Ruling) Reported(s *session.Session, now time.Time) (Verdict, int) {
	switch {
	case g.reported == nil:
		return Verdict{Allowed: true}, 0
	case s == nil && g.reported.anonymous != Allow:
		return refuse(CodeSignInRequired, "nobody is signed in"), g.reported.number
	case s == nil:
		return Verdict{Allowed: true}, g.reported.number
	}
	v := g.reported.admit(s)
	if v.Allowed {
		v = g.reported.assure(&s.Identity, now)
	}
	return v, g.reported.number
}
