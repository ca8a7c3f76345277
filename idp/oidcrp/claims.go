package oidcrp

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/session"
)

// maxClaim bounds one value that goes into an identity, in bytes.
const maxClaim = 1024

// lookup returns the claim of that literal name, which may be a URI, or else of
// that dotted path through objects ("realm_access.roles"), whose names may have dots
// themselves ("resource_access.app.example.com.roles"); nil when there is none or it is
// null.
func (o object) lookup(name string) json.RawMessage {
	if o.has(name) {
		return o[name]
	}
	for _, first := range beginnings(name) {
		inner, err := parseObject(o[first])
		if err != nil {
			continue
		}
		if found := inner.lookup(name[len(first)+1:]); found != nil {
			return found
		}
	}
	return nil
}

// beginnings are what stands before each dot of a name, the shortest first.
func beginnings(name string) (all []string) {
	for i := range len(name) {
		if name[i] == '.' {
			all = append(all, name[:i])
		}
	}
	return all
}

// claimReader reads claims of the ID token, and of userinfo where the ID token has
// none, and says in the log what it leaves out. Names of claims are logged, their
// values never.
type claimReader struct {
	sources []object
	dropped func(claim, why string)
}

// find returns the claim and the source that has it.
func (r *claimReader) find(name string) (json.RawMessage, object) {
	if name == "" {
		return nil, nil
	}
	for _, source := range r.sources {
		if raw := source.lookup(name); raw != nil {
			return raw, source
		}
	}
	return nil, nil
}

// text returns a claim as one value: a string, a number as it is written, or the
// first of an array ("emails").
func (r *claimReader) text(name string) (string, object) {
	raw, source := r.find(name)
	if list, ok := asArray(raw); ok && len(list) > 0 {
		raw = list[0]
	}
	if raw == nil {
		return "", nil
	}
	value, ok := asString(raw)
	if !ok {
		if c := raw[0]; c != '-' && (c < '0' || c > '9') {
			r.dropped(name, "it is neither a string nor a number")
			return "", nil
		}
		value = string(raw)
	}
	return r.clean(name, value), source
}

// texts returns a claim as a list: a string is a list of one, an object the list
// of its keys. What is not a string in an array is left out.
func (r *claimReader) texts(name string) []string {
	raw, _ := r.find(name)
	var values []string
	if one, ok := asString(raw); ok {
		values = []string{one}
	} else if list, ok := asArray(raw); ok {
		for _, element := range list {
			if s, ok := asString(element); ok {
				values = append(values, s)
			} else {
				r.dropped(name, "an element is not a string")
			}
		}
	} else if keyed, err := parseObject(raw); err == nil {
		values = slices.Sorted(maps.Keys(keyed))
	} else if raw != nil {
		r.dropped(name, "it is no string, array or object")
	}
	var kept []string
	for _, v := range values {
		if v = r.clean(name, v); v != "" {
			kept = append(kept, v)
		}
	}
	return kept
}

// values returns a claim as texts for a rule or a header: strings, and numbers and
// truth values as they are written, alone or in an array, or the keys of an object.
// complete is false if some of it cannot be a text: who does not have a value cannot be
// told from a part.
func (r *claimReader) values(name string) (values []string, complete bool) {
	raw, _ := r.find(name)
	elements := []json.RawMessage{raw}
	if list, ok := asArray(raw); ok {
		elements = list
	} else if keyed, err := parseObject(raw); err == nil {
		elements = nil
		values = slices.Sorted(maps.Keys(keyed))
	} else if raw == nil {
		return nil, true
	}
	complete = true
	for _, element := range elements {
		if text, ok := asString(element); ok {
			values = append(values, text)
		} else if len(element) > 0 && strings.IndexByte("-0123456789tf", element[0]) >= 0 {
			values = append(values, string(element))
		} else {
			r.dropped(name, "it, or an element of it, is no string, number or truth value")
			complete = false
		}
	}
	kept := values[:0]
	for _, v := range values {
		if clean := r.clean(name, v); clean != "" {
			kept = append(kept, clean)
		} else if strings.TrimSpace(v) != "" {
			complete = false
		}
	}
	return kept, complete
}

// clean trims a value and drops one that would not look like what it is: with
// control or format characters (zero width, bidirectional), or very long. Values
// are not normalised: two that look alike stay two.
func (r *claimReader) clean(name, value string) string {
	value = strings.TrimSpace(value)
	switch {
	case strings.ContainsFunc(value, invisible):
		r.dropped(name, "it has a control or format character")
		return ""
	case len(value) > maxClaim:
		r.dropped(name, "it is longer than 1024 bytes")
		return ""
	}
	return value
}

// identityOf makes the identity of somebody from the claims of a verified ID token
// and of userinfo, which may be nil. Issuer, subject and everything about the
// authentication come from the ID token alone. The error is a *fault.Error.
func (c *Client) identityOf(ctx context.Context, claims, info object) (session.Identity, error) {
	r := &claimReader{sources: []object{claims}, dropped: func(claim, why string) {
		c.log.WarnContext(ctx, "a claim is not used", "claim", claim, "cause", why, requestID(ctx))
	}}
	if info != nil {
		r.sources = append(r.sources, info)
	}
	iss, _ := claims.text("iss")
	sub, _ := claims.text("sub")
	id := session.Identity{Issuer: iss, Subject: sub}
	id.User, _ = r.text(c.cfg.Claims.User)
	id.Name, _ = r.text(c.cfg.Claims.Name)
	id.Groups, id.GroupsWithheld = c.groups(ctx, r)
	for _, name := range c.cfg.MoreClaims {
		values, complete := r.values(name)
		if !complete || name == c.cfg.Claims.Groups && id.GroupsWithheld || len(values) == 0 && isElsewhere(r.sources, name) {
			id.ClaimsWithheld = append(id.ClaimsWithheld, name)
		} else if len(values) > 0 {
			if id.Claims == nil {
				id.Claims = make(map[string][]string, len(c.cfg.MoreClaims))
			}
			id.Claims[name] = values
		}
	}
	var err error
	if id.Email, err = c.email(r); err != nil {
		return session.Identity{}, err
	}
	if err := c.checkDomains(&id); err != nil {
		return session.Identity{}, err
	}
	token := &claimReader{sources: []object{claims}, dropped: r.dropped}
	id.SID, _ = token.text("sid")
	id.ACR, _ = token.text("acr")
	id.AMR = token.texts("amr")
	if claims.has("auth_time") {
		id.AuthTime, _ = claims.time("auth_time") // verifyIDToken has read it
	}
	return id, nil
}
