package redisstore

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

func newTag() session.Tag {
	var t session.Tag
	rand.Read(t[:])
	return t
}

// sharedClock is a clock of stores that a test moves on.
type sharedClock struct{ ahead atomic.Int64 }

func (c *sharedClock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *sharedClock) advance(d time.Duration) { c.ahead.Add(int64(d)) }
func (c *sharedClock) use(cfg *Config)         { cfg.Now = c.now }

// fourMarks are those of an ordinary sign-in, with notes of 150 bytes.
func fourMarks() []session.Mark {
	var marks []session.Mark
	for range 4 {
		note := make([]byte, 150)
		rand.Read(note)
		marks = append(marks, session.Mark{Tag: newTag(), Note: note})
	}
	return marks
}

// createMarked creates an ordinary record that Find finds, needed for two hours.
func createMarked(t testing.TB, s *Store, marks ...session.Mark) session.Handle {
	t.Helper()
	h := newHandle()
	now := s.now()
	r := session.Record{Sealed: []byte("sealed"), LastSeen: now, ExpiresAt: now.Add(time.Hour)}
	if err := s.CreateMarked(t.Context(), h, r, marks, now.Add(2*time.Hour)); err != nil {
		t.Fatalf("CreateMarked: %v", err)
	}
	return h
}

// finds fails unless that many are found.
func finds(t testing.TB, s *Store, tag session.Tag, want int) []session.Found {
	t.Helper()
	found, err := s.Find(t.Context(), tag)
	if err != nil || len(found) != want {
		t.Fatalf("Find = %d records, %v; want %d", len(found), err, want)
	}
	return found
}

// What a sign-in and a search cost Redis.
func TestCommandsOfMarks(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url())
	createMarked(t, s, fourMarks()...) // the scripts are loaded
	marks := fourMarks()
	redis.must("CONFIG", "RESETSTAT")
	createMarked(t, s, marks...)
	if n := redis.calls()["evalsha"]; n != 5 {
		t.Errorf("a sign-in with four marks takes %d scripts, want 5", n)
	}
	t.Logf("a sign-in with four marks, within the scripts: %v", redis.calls())
	redis.must("CONFIG", "RESETSTAT")
	finds(t, s, marks[0].Tag, 1)
	if calls := redis.calls(); calls["hscan"] != 1 || calls["getrange"] != 1 || calls["get"] != 0 {
		t.Errorf("calls = %v, want one hscan and one getrange for each record", calls)
	}
}

// A tag lives as long as the latest of its records may, and no key forever.
func TestTagsExpire(t *testing.T) {
	redis := startRedis(t)
	s, tag := newStore(t, redis.url()), newTag()
	create := func(until time.Duration) {
		t.Helper()
		err := s.CreateMarked(t.Context(), newHandle(), record("x"), []session.Mark{{Tag: tag}}, time.Now().Add(until))
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct{ until, want time.Duration }{
		{-time.Hour, time.Hour}, // as long as the record at least
		{2 * time.Hour, 2 * time.Hour}, {12 * time.Hour, 12 * time.Hour}, {2 * time.Hour, 12 * time.Hour},
	} {
		create(step.until)
		got := time.Duration(redis.number("PTTL", tagKey(tag))) * time.Millisecond
		if got > step.want || got < step.want-time.Minute {
			t.Errorf("after a record until %v the tag lives for %v, want %v", step.until, got, step.want)
		}
	}
}

// Marks without a record go when they are found, but not while a Create may be
// under way.
func TestFindDropsWhatIsLeftOver(t *testing.T) {
	var clock sharedClock
	redis := startRedis(t)
	s, tag := newStore(t, redis.url(), clock.use), newTag()
	gone := createMarked(t, s, session.Mark{Tag: tag})
	createMarked(t, s, session.Mark{Tag: tag})
	if err := s.Delete(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	finds(t, s, tag, 1)
	if n := redis.number("HLEN", tagKey(tag)); n != 2 {
		t.Errorf("%d marks at once, want 2: the young one stays", n)
	}
	clock.advance(leftOver + time.Second)
	finds(t, s, tag, 1)
	if n := redis.number("HLEN", tagKey(tag)); n != 1 {
		t.Errorf("%d marks later, want 1", n)
	}
}

// An account that many share is never looked up: its marks go all the same.
func TestMarksDoNotPileUp(t *testing.T) {
	const signIns, each = 4000, time.Minute // of which 120 may live
	var clock sharedClock
	redis := startRedis(t)
	s, tag := newStore(t, redis.url(), clock.use), newTag()
	note := make([]byte, 100) // too long for the packed form, which HSCAN reads at once
	most := int64(0)
	for range signIns {
		createMarked(t, s, session.Mark{Tag: tag, Note: note})
		clock.advance(each)
		most = max(most, redis.number("HLEN", tagKey(tag)))
	}
	t.Logf("at most %d marks of 120 that are needed", most)
	if most > 400 {
		t.Errorf("%d marks at once of which 120 are needed, after %d sign-ins", most, signIns)
	}
}

// What somebody else wrote under a tag harms nobody.
func TestForeignMarks(t *testing.T) {
	redis := startRedis(t)
	s, tag := newStore(t, redis.url()), newTag()
	createMarked(t, s, session.Mark{Tag: tag, Note: []byte("note")})
	stranger := newHandle()
	mark := strings.Repeat("\x00", markHeader)
	for field, value := range map[string]string{"": "", "short": mark, string(stranger[:]): mark, "x" + string(stranger[:]): mark} {
		redis.must("HSET", tagKey(tag), field, value)
	}
	half := newHandle()
	redis.must("HSET", tagKey(tag), string(half[:]), "short")
	damaged := createMarked(t, s, session.Mark{Tag: tag})
	redis.must("SET", recordKey(damaged), "what is no record", "PX", "60000")
	if found := finds(t, s, tag, 1); string(found[0].Note) != "note" {
		t.Errorf("the note is %q", found[0].Note)
	}
	redis.must("SET", tagKey(tag), "what is no hash")
	_, err := s.Find(t.Context(), tag)
	cannotAnswer(t, "Find", err)
	err = s.CreateMarked(t.Context(), newHandle(), record("x"), []session.Mark{{Tag: tag}}, time.Now().Add(time.Hour))
	cannotAnswer(t, "CreateMarked", err)
	if n := redis.number("DBSIZE"); n != 3 {
		t.Errorf("%d keys, want 3: no record without its marks", n)
	}
}

// ST-11: what Redis holds names nobody: keys are handles and keyed hashes, notes
// arrive sealed.
func TestST11KeysOfMarks(t *testing.T) {
	redis := startRedis(t)
	s, tag := newStore(t, redis.url()), newTag()
	h := createMarked(t, s, session.Mark{Tag: tag, Note: []byte("sealed note")})
	if _, err := s.Claim(t.Context(), tag, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{recordKey(h), "sallyport:tag:{" + tag.String() + "}", "sallyport:claim:{" + tag.String() + "}"} {
		if ttl := redis.number("PTTL", key); ttl <= 0 {
			t.Errorf("time to live of %s = %d", key, ttl)
		}
	}
	if n := redis.number("DBSIZE"); n != 3 {
		t.Errorf("%d keys, want 3", n)
	}
	value := redis.text("HGET", tagKey(tag), string(h[:]))
	if value[markHeader:] != "sealed note" {
		t.Errorf("mark = %q", value)
	}
	if until := time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(value)))); time.Until(until) < time.Hour {
		t.Errorf("the mark is needed until %v", until)
	}
}

// While Redis is down nobody knows: no sign-in, no search, and every value is taken
// for used.
func TestMarksWithoutRedis(t *testing.T) {
	redis := startRedis(t)
	s, tag := newStore(t, redis.url()), newTag()
	createMarked(t, s, session.Mark{Tag: tag})
	redis.kill()
	h := newHandle()
	failing := quickest(func() {
		found, err := s.Find(t.Context(), tag)
		cannotAnswer(t, "Find", err)
		if found != nil {
			t.Errorf("Find returns %d records beside its error", len(found))
		}
		cannotAnswer(t, "CreateMarked", s.CreateMarked(t.Context(), h, record("x"), fourMarks(), time.Now().Add(time.Hour)))
		first, err := s.Claim(t.Context(), tag, time.Now().Add(time.Hour))
		cannotAnswer(t, "Claim", err)
		if first {
			t.Error("Claim = true beside its error")
		}
	})
	if failing > time.Second {
		t.Errorf("failing took %v, want at most 1 s", failing)
	}
	redis.start()
	eventually(t, "the store is ready", patience, func() error { return s.Ping(t.Context()) })
	if _, err := s.Get(t.Context(), h); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Get of what was not created = %v, want ErrNotFound", err)
	}
}

// ST-12: a sign-in whose session cannot be found by all that it is to be found by is
// none: no record, and nothing that Find finds. A record that fails leaves marks that
// find nothing.
func TestST12NothingIsHalfWritten(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url())
	for i := range 4 { // whichever of the marks fails
		marks := fourMarks()
		redis.must("SET", tagKey(marks[i].Tag), "what is no hash")
		h := newHandle()
		cannotAnswer(t, "CreateMarked", s.CreateMarked(t.Context(), h, record("x"), marks, time.Now().Add(time.Hour)))
		if _, err := s.Get(t.Context(), h); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("mark %d: Get = %v, want ErrNotFound", i, err)
		}
		for j, m := range marks {
			if j != i {
				finds(t, s, m.Tag, 0)
			}
		}
	}
	marks, h := fourMarks(), newHandle()
	redis.must("LPUSH", recordKey(h), "what is no record")
	if err := s.CreateMarked(t.Context(), h, record("x"), marks, time.Now().Add(time.Hour)); err == nil {
		t.Error("a record that was not written is taken for written")
	}
	redis.must("DEL", recordKey(h))
	for _, m := range marks {
		finds(t, s, m.Tag, 0)
	}
}
