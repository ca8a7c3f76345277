package policy

import (
	"slices"
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
// reading, and every one has to be passed. A rule that lets through what would be
// refused matches only paths with one reading, in the method and the case of
// letters that it names.
func (p *Policy) Rule(r Request) Ruling {
	if len(p.rules) == 0 {
		return Ruling{policy: p, first: &p.none, public: p.Public(r)}
	}
	if decoded, ok := unambiguous(r.Path); ok {
		wire := r.Path
		if decoded != wire {
			wire = upperEscapes(wire)
		}
		ruling := Ruling{policy: p, first: &p.none}
		for _, candidate := range p.rules {
			if candidate.decides(r.Method, wire, decoded) && ruling.take(candidate) {
				break
			}
		}
		ruling.public = ruling.first == &p.none && p.Public(r)
		return ruling
	}
	return p.ruleReadings(r)
}

// Strictest is the ruling on a request of which it is not known what it asks for:
// nothing is public, and every rule has to be passed.
func (p *Policy) Strictest() Ruling {
	all := Ruling{policy: p, first: &p.none}
	for _, r := range p.rules {
		if !r.relaxes() && !r.report {
			all.others = append(all.others, r)
		}
	}
	return all
}

// decides reports whether the rule matches an unambiguous path.
func (r *rule) decides(method, wire, decoded string) bool {
	if !r.speaksOf(method) {
		return false
	}
	if r.relaxes() {
		return r.namesExactly(wire, decoded)
	}
	return r.names(wire) || r.names(decoded)
}

// ruleReadings is Rule for a path with several readings.
func (p *Policy) ruleReadings(r Request) Ruling {
	all := Ruling{policy: p}
	for reading := range Readings(r.Path) {
		one := Ruling{first: &p.none}
		for _, candidate := range p.rules {
			if !candidate.relaxes() && candidate.speaksOf(r.Method) && candidate.names(reading) && one.take(candidate) {
				break
			}
		}
		all.join(one)
	}
	return all
}

// take notes a rule that matches, and reports whether it decides.
func (g *Ruling) take(r *rule) bool {
	if r.report {
		if g.reported == nil {
			g.reported = r
		}
		return false
	}
	g.first = r
	return true
}

// join adds what is said of another reading.
func (g *Ruling) join(one Ruling) {
	switch {
	case g.first == nil:
		g.first = one.first
	case g.first != one.first && !slices.Contains(g.others, one.first):
		g.others = append(g.others, one.first)
	}
	if g.reported == nil {
		g.reported = one.reported
	}
}

// Public reports whether nobody needs to ask for a session.
func (g Ruling) Public() bool { return g.public }

// Number names the rule that decides, for the log; 0 = none.
func (g Ruling) Number() int { return g.first.number }

// Anonymous says what the request gets without a session: of several readings the
// strictest.
func (g Ruling) Anonymous() Unauthenticated {
	strictest := g.first.anonymous
	for _, r := range g.others {
		if r.anonymous == Deny || strictest == Allow {
			strictest = r.anonymous
		}
	}
	return strictest
}

// Admit holds a signed-in person against the lists of Config and every rule that
// decides. now is the time that the age of the sign-in is counted to.
func (g Ruling) Admit(id *session.Identity, now time.Time) Verdict {
	if v := g.policy.Admit(id); !v.Allowed {
		return v
	}
	if v := g.first.admit(id, now); !v.Allowed {
		return v
	}
	for _, r := range g.others {
		if v := r.admit(id, now); !v.Allowed {
			return v
		}
	}
	return Verdict{Allowed: true}
}

// Reported is what the report-only rule that would have decided says of somebody,
// nil for nobody, and the rule's number; 0 = there is none.
func (g Ruling) Reported(id *session.Identity, now time.Time) (Verdict, int) {
	switch {
	case g.reported == nil:
		return Verdict{Allowed: true}, 0
	case id == nil && g.reported.anonymous != Allow:
		return refuse(CodeSignInRequired, "nobody is signed in"), g.reported.number
	case id == nil:
		return Verdict{Allowed: true}, g.reported.number
	}
	return g.reported.admit(id, now), g.reported.number
}
