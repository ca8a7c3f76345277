package policy

import (
	"maps"
	"slices"
	"time"
)

// StepUp is the sign-in that a rule asks for (RFC 9470).
type StepUp struct {
	ACR    []string       // one of these; empty = any
	MaxAge *time.Duration // not longer ago than that; nil = of any age
}

// StepUp is the sign-in that passes every rule that decides, nil when any does. ok is
// false when none could: the rules have no acr in common. Asking for what one rule
// wants and then for what the other does would never end.
func (g Ruling) StepUp() (asked *StepUp, ok bool) {
	all := StepUp{}
	for r := range g.deciding {
		if r.maxAge != nil && (all.MaxAge == nil || *r.maxAge < *all.MaxAge) {
			all.MaxAge = r.maxAge
		}
		switch {
		case len(r.acr) == 0:
		case len(all.ACR) == 0:
			all.ACR = r.acr
		default:
			all.ACR = common(all.ACR, r.acr)
			if len(all.ACR) == 0 {
				return nil, false
			}
		}
	}
	if len(all.ACR) == 0 && all.MaxAge == nil {
		return nil, true
	}
	some := all // on the heap, where most rulings have nothing
	return &some, true
}

// IdP is the only provider whose sessions pass every rule that decides; "" = there are
// several, or none.
func (g Ruling) IdP() string {
	var all map[string]bool
	for r := range g.deciding {
		switch {
		case len(r.who.idps) == 0:
		case all == nil:
			all = maps.Clone(r.who.idps)
		default:
			maps.DeleteFunc(all, func(id string, _ bool) bool { return !r.who.idps[id] })
		}
	}
	if len(all) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(all))[0]
}

// stepUp completes the verdict on somebody whose sign-in is not as a rule wants it.
func (g Ruling) stepUp(v Verdict) Verdict {
	asked, ok := g.StepUp()
	if !ok {
		v.Code, v.Reason = CodeStepUpFailed, "the path can be read in several ways, and the rules for these have no acr in common, so that no sign-in passes all of them"
		return v
	}
	v.StepUp = asked
	return v
}

func common(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(acr string) bool { return !slices.Contains(b, acr) })
}
