package oidcrp

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// groups returns the person's groups, and whether the provider left any out. Then
// there are none at all: who is not in some of them cannot be told from a part.
func (c *Client) groups(ctx context.Context, r *claimReader) (groups []string, withheld bool) {
	name := c.cfg.Claims.Groups
	groups = r.texts(name)
	var cause error
	raw, _ := r.find(name)
	list, _ := asArray(raw)
	switch limit := c.cfg.GroupsLimit; {
	case groups == nil && isElsewhere(r.sources, name):
		cause = errors.New("there are too many for a token, and it points to another address for them, which is not followed")
	case limit > 0 && len(list) >= limit:
		cause = fmt.Errorf("it states %d, and SALLYPORT_GROUPS_LIMIT says that it cuts the list at %d", len(list), limit)
	default:
		return groups, false
	}
	c.log.WarnContext(ctx, "the provider left groups out: this person has none here, and passes no rule about groups",
		"claim", name, "cause", remedied(cause, c.cfg.Remedies.Groups), requestID(ctx))
	return nil, true
}

// isElsewhere reports whether the provider points elsewhere for a claim (Core §5.6.2)
// instead of sending it. Such addresses are never fetched: they are whatever a token
// says. Entra's hasgroups stands for its claim groups only.
func isElsewhere(sources []object, name string) bool {
	names := append(beginnings(name), name)
	for _, source := range sources {
		if name == "groups" && isTrue(source["hasgroups"]) {
			return true
		}
		if elsewhere, err := parseObject(source["_claim_names"]); err == nil && slices.ContainsFunc(names, elsewhere.has) {
			return true
		}
	}
	return false
}

// remedied adds what to do to a cause.
func remedied(cause error, remedy string) error {
	if remedy == "" {
		return cause
	}
	return fmt.Errorf("%w; %s", cause, remedy)
}
