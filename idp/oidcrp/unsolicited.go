package oidcrp

import (
	"context"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// unsolicitedKeys is the key set for tokens that anybody may send us, where the
// others come from the provider over TLS. Forged ones in any number keep no more
// than one core busy, and make us fetch the set no more than once a minute. It
// implements signatures and is safe for concurrent use.
type unsolicitedKeys struct {
	set *keySet
	mu  sync.Mutex // held while a signature is verified
}

// VerifySignature implements signatures; it is otherwise as keySet's.
func (u *unsolicitedKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	return u.set.verify(ctx, jwt, &u.set.unsolicited, u.oneAtATime)
}

func (u *unsolicitedKeys) oneAtATime(jws *jose.JSONWebSignature, keys []any) ([]byte, int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return verifyWithAny(jws, keys)
}
