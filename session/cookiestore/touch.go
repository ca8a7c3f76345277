package cookiestore

import (
	"bytes"
	"time"

	"github.com/sallyport/sallyport/session"
)

// touchRest is how long after a use was written down the requests that still bring
// the record from before share it. Browsers send many requests at once; each would
// otherwise write it down anew, and lose the app's own Cache-Control by that. It is
// short, so that a browser that did not get the answer gets another.
const touchRest = 5 * time.Second

// touch is a record that differs from the one that was read by its times alone.
type touch struct {
	record session.Record
	until  time.Time // shared before
}

// latest returns what the record is to a request that brings it now. One that has
// expired is not revived: what a request brings decides that.
func (r *reading) latest(now time.Time) session.Record {
	t := r.touched.Load()
	if t == nil || !now.Before(t.until) || !now.Before(r.record.ExpiresAt) {
		return r.record
	}
	return t.record
}

// touch has the next requests with the same parts share next, if it is but a use of
// the record.
func (r *reading) touch(next session.Record, now time.Time) {
	if !bytes.Equal(r.record.Sealed, next.Sealed) || next.LastSeen.Before(r.record.LastSeen) {
		return
	}
	// As it will be read from the cookie.
	next.Sealed = r.record.Sealed
	next.LastSeen = time.Unix(next.LastSeen.Unix(), 0).UTC()
	next.ExpiresAt = time.Unix(next.ExpiresAt.Unix(), 0).UTC()
	r.touched.Store(&touch{record: next, until: now.Add(touchRest)})
}
