package demoidp

import (
	"context"
	"fmt"
	"slices"
)

// The methods below are for tests: they do at once what at a real provider an
// administrator or the passing of time does.

// EndSession ends the IdP session with this sid, as its owner would on another
// device: refresh tokens bound to it answer invalid_grant from now on. It
// reports whether there was one.
func (p *Provider) EndSession(sid string) bool {
	return p.end(context.Background(), func(x *session) bool { return x.sid == sid }) > 0
}

// EndPerson ends every IdP session of a person and returns how many there were.
func (p *Provider) EndPerson(personID string) int {
	return p.end(context.Background(), func(x *session) bool { return x.personID == personID })
}

// WaitDeliveries returns once every logout token sent so far was delivered or
// given up.
func (p *Provider) WaitDeliveries() { p.deliveries.Wait() }

// TokenCalls returns how often the token endpoint was called, with any grant and
// outcome.
func (p *Provider) TokenCalls() int { return int(p.tokenCalls.Load()) }

// RefreshCount returns how many of the TokenCalls were refresh_token grants.
func (p *Provider) RefreshCount() int { return int(p.refreshes.Load()) }

// RotateKeys replaces the signing key: the next token is signed by a new kid,
// and the key set no longer has the old one.
func (p *Provider) RotateKeys() error {
	key, err := newSigningKey()
	if err != nil {
		return err
	}
	p.store.replaceKey(key)
	return nil
}

// SetPersonGroups changes a person's groups, for tokens issued from now on.
func (p *Provider) SetPersonGroups(personID string, groups []string) error {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	person, ok := p.store.people[personID]
	if !ok {
		return fmt.Errorf("no person %q", personID)
	}
	person.Groups = slices.Clone(groups)
	p.store.people[personID] = person
	return nil
}
