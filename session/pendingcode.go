package session

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// The encoding of a Pending is compact because it has to fit a cookie together
// with a return address of 2 KiB: version byte, Unix seconds (8 bytes), attempt
// (uvarint), maximum age in seconds and one more (uvarint, 0 = none), then idp,
// state, nonce, verifier, return address and the acrs with spaces between them,
// each after its length (uvarint).
const pendingVersion = 2

var errPending = errors.New("login cookie of another format")

func (p Pending) encode() []byte {
	b := make([]byte, 0, 256+len(p.ReturnTo.target))
	b = append(b, pendingVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(p.CreatedAt.Unix()))
	b = binary.AppendUvarint(b, uint64(max(p.Attempt, 0)))
	age := uint64(0)
	if p.MaxAge != nil {
		age = uint64(max(*p.MaxAge/time.Second, 0)) + 1
	}
	b = binary.AppendUvarint(b, age)
	for _, s := range [...]string{p.IdP, p.State, p.Nonce, p.Verifier, p.ReturnTo.target, strings.Join(p.ACR, " ")} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

func decodePending(b []byte) (Pending, error) {
	if len(b) < 9 || b[0] != pendingVersion {
		return Pending{}, errPending
	}
	p := Pending{CreatedAt: time.Unix(int64(binary.BigEndian.Uint64(b[1:])), 0).UTC()}
	b = b[9:]
	attempt, n := binary.Uvarint(b)
	if n <= 0 || attempt > 1<<31-1 {
		return Pending{}, errPending
	}
	p.Attempt, b = int(attempt), b[n:]
	age, n := binary.Uvarint(b)
	if n <= 0 || age > math.MaxInt32 {
		return Pending{}, errPending
	}
	if b = b[n:]; age > 0 {
		maxAge := time.Duration(age-1) * time.Second
		p.MaxAge = &maxAge
	}
	var acr string
	for _, s := range [...]*string{&p.IdP, &p.State, &p.Nonce, &p.Verifier, &p.ReturnTo.target, &acr} {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return Pending{}, errPending
		}
		*s, b = string(b[n:n+int(size)]), b[n+int(size):]
	}
	p.ACR = strings.Fields(acr)
	if len(p.ACR) == 0 {
		p.ACR = nil
	}
	if len(b) != 0 {
		return Pending{}, fmt.Errorf("%w: %d bytes too many", errPending, len(b))
	}
	return p, nil
}
