package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

func isNotFound(err error) bool { return errors.Is(err, session.ErrNotFound) }
func isConflict(err error) bool { return errors.Is(err, session.ErrConflict) }

func testCreateGet(f *fixture) {
	h, r := newHandle(), f.record("sealed")
	r.Version = 77 // Create stores 1, whatever it is given
	f.create(h, r)
	f.want(f.get(h), r, 1)
	f.want(f.get(h), r, 1)
}

func testCreateExisting(f *fixture) {
	h, r := newHandle(), f.record("first")
	f.create(h, r)
	if err := f.store.Create(f.Context(), h, f.record("second")); !isConflict(err) {
		f.Fatalf("Create of an existing handle = %v, want ErrConflict", err)
	}
	f.want(f.get(h), r, 1)
}

func testGetAbsent(f *fixture) {
	f.absent(newHandle())
	f.absent(session.Handle{})
}

func testReplace(f *fixture) {
	h := newHandle()
	f.create(h, f.record("first"))
	r := f.record("second")
	for version := uint64(1); version < 5; version++ {
		r.Version = version
		r.LastSeen = r.LastSeen.Add(time.Minute)
		f.replace(h, r)
		f.want(f.get(h), r, version+1)
	}
}

func testReplaceConflict(f *fixture) {
	h, r := newHandle(), f.record("first")
	f.create(h, r)
	r.Version = 1
	f.replace(h, r)
	for _, version := range []uint64{0, 1, 3, 1 << 40} {
		other := f.record("other")
		other.Version = version
		if err := f.store.Replace(f.Context(), h, other); !isConflict(err) {
			f.Errorf("Replace with version %d of a record at 2 = %v, want ErrConflict", version, err)
		}
	}
	f.want(f.get(h), r, 2)
}

func testReplaceAbsent(f *fixture) {
	h := newHandle()
	for _, version := range []uint64{0, 1, 2} {
		r := f.record("sealed")
		r.Version = version
		if err := f.store.Replace(f.Context(), h, r); !isNotFound(err) {
			f.Errorf("Replace of an absent record, version %d = %v, want ErrNotFound", version, err)
		}
	}
	f.absent(h)
}

func testReplaceAfterDelete(f *fixture) {
	h := newHandle()
	f.create(h, f.record("sealed"))
	r := f.get(h)
	if err := f.store.Delete(f.Context(), h); err != nil {
		f.Fatalf("Delete: %v", err)
	}
	if err := f.store.Replace(f.Context(), h, r); !isNotFound(err) {
		f.Fatalf("Replace after Delete = %v, want ErrNotFound", err)
	}
	f.absent(h)
}

func testDelete(f *fixture) {
	h, other := newHandle(), newHandle()
	f.create(h, f.record("sealed"))
	f.create(other, f.record("other"))
	for range 2 { // deleting an absent record is nil
		if err := f.store.Delete(f.Context(), h); err != nil {
			f.Fatalf("Delete: %v", err)
		}
		f.absent(h)
	}
	f.want(f.get(other), f.record("other"), 1)
}

func testCreateAfterDelete(f *fixture) {
	h := newHandle()
	f.create(h, f.record("first"))
	if err := f.store.Delete(f.Context(), h); err != nil {
		f.Fatalf("Delete: %v", err)
	}
	r := f.record("second")
	f.create(h, r)
	f.want(f.get(h), r, 1)
}

// testHandles stores one record for each bit of a handle.
func testHandles(f *fixture) {
	base := newHandle()
	var handles []session.Handle
	for bit := range 8 * len(base) {
		h := base
		h[bit/8] ^= 1 << (bit % 8)
		handles = append(handles, h)
	}
	for _, h := range handles {
		f.create(h, f.record(h.String()))
	}
	f.absent(base)
	for _, h := range handles {
		f.want(f.get(h), f.record(h.String()), 1)
	}
}

func testValues(f *fixture) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for name, sealed := range map[string][]byte{
		"nil": nil, "empty": {}, "one zero byte": {0}, "every byte": every,
		"line ends": []byte("\r\n\r\n$-1\r\n"), "1 MiB": bytes.Repeat([]byte("x"), 1<<20),
	} {
		f.Run(name, func(t *testing.T) {
			f := &fixture{T: t, harness: f.harness, store: f.store, now: f.Now()}
			h, r := newHandle(), f.record(string(sealed))
			if limit := f.harness.Largest; limit > 0 && len(sealed) > limit {
				f.refusesSize(h, r)
				return
			}
			f.create(h, r)
			f.want(f.get(h), r, 1)
			r.Version = 1
			f.replace(h, r)
			f.want(f.get(h), r, 2)
		})
	}
}

// refusesSize checks that a record which does not fit is refused, and leaves one
// that is there as it was.
func (f *fixture) refusesSize(h session.Handle, r session.Record) {
	f.Helper()
	if err := f.store.Create(f.Context(), h, r); err == nil || isConflict(err) || isNotFound(err) {
		f.Errorf("Create of %d bytes = %v, want an error of its own", len(r.Sealed), err)
	}
	f.absent(h)
	small := f.record("small")
	f.create(h, small)
	r.Version = 1
	if err := f.store.Replace(f.Context(), h, r); err == nil || isConflict(err) || isNotFound(err) {
		f.Errorf("Replace by %d bytes = %v, want an error of its own", len(r.Sealed), err)
	}
	f.want(f.get(h), small, 1)
}

func testTimes(f *fixture) {
	zone := time.FixedZone("", 5*3600+45*60)
	far := time.Date(2261, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	for name, r := range map[string]session.Record{
		"another zone":   {LastSeen: f.Now().In(zone), ExpiresAt: f.Now().Add(time.Hour).In(zone)},
		"monotonic":      {LastSeen: time.Now(), ExpiresAt: time.Now().Add(time.Hour)},
		"never seen":     {ExpiresAt: f.Now().Add(time.Hour)},
		"seen at 0":      {LastSeen: time.Unix(0, 0), ExpiresAt: f.Now().Add(time.Hour)},
		"seen before 0":  {LastSeen: time.Unix(-1, 0), ExpiresAt: f.Now().Add(time.Hour)},
		"seen later":     {LastSeen: f.Now().Add(time.Hour), ExpiresAt: f.Now().Add(time.Minute)},
		"far future":     {LastSeen: f.Now(), ExpiresAt: far},
		"with fractions": {LastSeen: f.Now().Add(1), ExpiresAt: f.Now().Add(time.Hour + 1)},
	} {
		f.Run(name, func(t *testing.T) {
			f := &fixture{T: t, store: f.store, now: f.Now()}
			h := newHandle()
			f.create(h, r)
			f.want(f.get(h), r, 1)
		})
	}
}

func testExpiry(f *fixture) {
	h := newHandle()
	r := f.record("sealed")
	r.ExpiresAt = f.Now().Add(10 * time.Second)
	f.create(h, r)
	f.advance(9 * time.Second)
	f.want(f.get(h), r, 1)
	f.advance(time.Second)
	f.absent(h)
	r.Version = 1
	r.ExpiresAt = f.Now().Add(time.Hour)
	if err := f.store.Replace(f.Context(), h, r); !isNotFound(err) {
		f.Fatalf("Replace of an expired record = %v, want ErrNotFound", err)
	}
	if err := f.store.Delete(f.Context(), h); err != nil {
		f.Fatalf("Delete of an expired record: %v", err)
	}
	f.create(h, r)
	f.want(f.get(h), r, 1)
}

func testExpiredAtCreate(f *fixture) {
	for name, at := range map[string]time.Time{
		"now": f.Now(), "past": f.Now().Add(-time.Hour), "zero": {}, "epoch": time.Unix(0, 0),
	} {
		h, r := newHandle(), f.record(name)
		r.ExpiresAt = at
		f.create(h, r)
		f.absent(h)
	}
}

func testReplaceExpiry(f *fixture) {
	longer, shorter := newHandle(), newHandle()
	f.create(longer, f.record("longer"))
	f.create(shorter, f.record("shorter"))
	r := f.record("changed")
	r.Version = 1
	r.ExpiresAt = f.Now().Add(2 * time.Hour)
	f.replace(longer, r)
	r.ExpiresAt = f.Now().Add(time.Minute)
	f.replace(shorter, r)
	f.advance(time.Minute)
	f.absent(shorter)
	f.advance(time.Hour)
	if got := f.get(longer); got.Version != 2 {
		f.Errorf("Version = %d, want 2", got.Version)
	}
	f.advance(time.Hour)
	f.absent(longer)
}

func testCancelled(f *fixture) {
	refuses(f, cancelled(f.T), context.Canceled)
}

func testDeadline(f *fixture) {
	ctx, cancel := context.WithDeadline(f.Context(), time.Unix(1, 0))
	defer cancel()
	refuses(f, ctx, context.DeadlineExceeded)
}

// refuses checks that nothing is done for a context that is over, and that the
// answer is not one of the two that mean something.
func refuses(f *fixture, ctx context.Context, want error) {
	h, fresh, r := newHandle(), newHandle(), f.record("sealed")
	f.create(h, r)
	r.Version = 1
	_, getErr := f.store.Get(ctx, h)
	for op, err := range map[string]error{
		"Get":     getErr,
		"Create":  f.store.Create(ctx, fresh, r),
		"Replace": f.store.Replace(ctx, h, r),
		"Delete":  f.store.Delete(ctx, h),
	} {
		if !errors.Is(err, want) || isNotFound(err) || isConflict(err) {
			f.Errorf("%s = %v, want %v", op, err, want)
		}
	}
	f.absent(fresh)
	f.want(f.get(h), r, 1)
}

func testAliasing(f *fixture) {
	h, r := newHandle(), f.record("created")
	f.create(h, r)
	copy(r.Sealed, "XXXXXXX")
	f.want(f.get(h), f.record("created"), 1)
	r = f.record("changed")
	r.Version = 1
	f.replace(h, r)
	copy(r.Sealed, "XXXXXXX")
	got := f.get(h)
	f.want(got, f.record("changed"), 2)
	_ = append(got.Sealed, "YYY"...)
	f.want(f.get(h), f.record("changed"), 2)
}

func testCounter(f *fixture) {
	c, ok := f.store.(session.Counter)
	if !ok {
		return // a store need not count
	}
	h, r := newHandle(), f.record("sealed")
	for _, step := range []struct {
		do   func()
		want int
	}{
		{func() {}, 0},
		{func() { f.create(h, r) }, 1},
		{func() { f.create(newHandle(), r) }, 2},
		{func() { _ = f.store.Create(f.Context(), h, r) }, 2},
		{func() { r.Version = 1; f.replace(h, r) }, 2},
		{func() { _ = f.store.Delete(f.Context(), h) }, 1},
		{func() { _ = f.store.Delete(f.Context(), h) }, 1},
	} {
		step.do()
		if got := c.Count(); got != step.want {
			f.Fatalf("Count = %d, want %d", got, step.want)
		}
	}
}

func testPinger(f *fixture) {
	p, ok := f.store.(session.Pinger)
	if !ok {
		return // a store in this process is always in reach
	}
	if err := p.Ping(f.Context()); err != nil {
		f.Errorf("Ping: %v", err)
	}
	if err := p.Ping(cancelled(f.T)); err == nil {
		f.Error("Ping with a cancelled context = nil")
	}
}
