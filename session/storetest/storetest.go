package storetest

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// Harness tells Run how to make and drive a store.
type Harness struct {
	// New returns an empty store that tells the time by now. It registers its
	// own clean-up with t.
	New func(t *testing.T, now func() time.Time) session.Store
	// Advance moves the clock of a server behind the store; nil when the store
	// has no clock but now.
	Advance func(t *testing.T, s session.Store, d time.Duration)
	// Shared says that all stores that New made for one test hold the same records,
	// being on one server; New then promises only that nobody else uses the handles.
	Shared bool
	// Races is how often the races are run; 0 = 10,000.
	Races int
}

// Run tests the store against the contract of session.Store.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.Races == 0 {
		h.Races = 10_000
	}
	for name, test := range map[string]func(*fixture){
		"create and get":                testCreateGet,
		"create existing":               testCreateExisting,
		"get absent":                    testGetAbsent,
		"replace":                       testReplace,
		"replace with another version":  testReplaceConflict,
		"replace absent":                testReplaceAbsent,
		"replace after delete":          testReplaceAfterDelete,
		"delete":                        testDelete,
		"create after delete":           testCreateAfterDelete,
		"handles are told apart":        testHandles,
		"values":                        testValues,
		"unusual times":                 testTimes,
		"expiry":                        testExpiry,
		"expired from the start":        testExpiredAtCreate,
		"replace moves expiry":          testReplaceExpiry,
		"cancelled context":             testCancelled,
		"deadline passed":               testDeadline,
		"caller keeps its bytes":        testAliasing,
		"one winner for each version":   testConcurrentReplace,
		"one winner for each handle":    testConcurrentCreate,
		"delete beats replace":          testDeleteReplaceRace,
		"delete beats a row of replace": testDeleteReplaceRetry,
		"counter":                       testCounter,
		"pinger":                        testPinger,
	} {
		t.Run(name, func(t *testing.T) { test(newFixture(t, h)) })
	}
	runOptional(t, h, indexed())
	runOptional(t, h, claiming())
}

// runOptional runs the tests of an optional interface if the store has it; each
// store says at compile time which ones it has.
func runOptional[I any](t *testing.T, h Harness, tests map[string]func(*fixture, I)) {
	t.Helper()
	if _, has := h.New(t, time.Now).(I); !has {
		return
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, h)
			test(f, f.store.(I))
		})
	}
}

// fixture is one empty store with its clock.
type fixture struct {
	*testing.T
	harness Harness
	store   session.Store

	mu  sync.Mutex
	now time.Time
}

func newFixture(t *testing.T, h Harness) *fixture {
	f := &fixture{T: t, harness: h, now: time.Now().UTC().Truncate(time.Second)}
	f.store = h.New(t, f.Now)
	return f
}

// stores returns the store, and another one on the same server where there can be
// one.
func (f *fixture) stores() []session.Store {
	f.Helper()
	if !f.harness.Shared {
		return []session.Store{f.store}
	}
	return []session.Store{f.store, f.harness.New(f.T, f.Now)}
}

// Now is the clock of the store.
func (f *fixture) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	f.now = f.now.Add(d)
	f.mu.Unlock()
	if f.harness.Advance != nil {
		f.harness.Advance(f.T, f.store, d)
	}
}

// record is an ordinary one that lives for an hour.
func (f *fixture) record(sealed string) session.Record {
	return session.Record{Sealed: []byte(sealed), LastSeen: f.Now(), ExpiresAt: f.Now().Add(time.Hour)}
}

func newHandle() session.Handle {
	var h session.Handle
	rand.Read(h[:])
	return h
}

func (f *fixture) create(h session.Handle, r session.Record) {
	f.Helper()
	if err := f.store.Create(f.Context(), h, r); err != nil {
		f.Fatalf("Create: %v", err)
	}
}

func (f *fixture) replace(h session.Handle, r session.Record) {
	f.Helper()
	if err := f.store.Replace(f.Context(), h, r); err != nil {
		f.Fatalf("Replace: %v", err)
	}
}

func (f *fixture) get(h session.Handle) session.Record {
	f.Helper()
	r, err := f.store.Get(f.Context(), h)
	if err != nil {
		f.Fatalf("Get: %v", err)
	}
	return r
}

// absent fails unless the store does not know h.
func (f *fixture) absent(h session.Handle) {
	f.Helper()
	if r, err := f.store.Get(f.Context(), h); !isNotFound(err) {
		f.Fatalf("Get = version %d, %v; want ErrNotFound", r.Version, err)
	}
}

// want fails unless got is r at that version, its times to the second.
func (f *fixture) want(got, r session.Record, version uint64) {
	f.Helper()
	if got.Version != version {
		f.Errorf("Version = %d, want %d", got.Version, version)
	}
	if string(got.Sealed) != string(r.Sealed) {
		f.Errorf("Sealed has %d bytes that differ from the %d stored", len(got.Sealed), len(r.Sealed))
	}
	if !sameSecond(got.LastSeen, r.LastSeen) {
		f.Errorf("LastSeen = %v, want %v", got.LastSeen, r.LastSeen)
	}
	if !sameSecond(got.ExpiresAt, r.ExpiresAt) {
		f.Errorf("ExpiresAt = %v, want %v", got.ExpiresAt, r.ExpiresAt)
	}
}

func sameSecond(a, b time.Time) bool {
	return a.Unix() == b.Unix()
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
