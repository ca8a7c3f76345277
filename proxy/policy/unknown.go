package policy

// Unknown is the ruling about a request of which nobody who is believed says what
// it asks for: nothing is public, nobody passes without a session, and whoever has
// one has to pass every rule, since any of them could be the one that decides.
func (p *Policy) Unknown() Ruling {
	ruling := Ruling{policy: p, first: &p.none}
	for _, r := range p.rules {
		if !r.report {
			ruling.others = append(ruling.others, r)
		}
	}
	return ruling
}
