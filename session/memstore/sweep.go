package memstore

import (
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/session"
)

const (
	sweepEvery = time.Second
	// sweepShards is how many shards one turn visits: all in 64 seconds, each
	// locked for itself.
	sweepShards = 4
	// sweepAtOnce is how many records are dropped while a shard is locked, so that
	// no request waits long when all of a million sessions expire at once.
	sweepAtOnce = 32
)

// sweeper drops expired records a few shards at a time. It is a timer that is
// set only while there are records or claims, so that an unused store costs nothing and
// nobody has to close one.
type sweeper struct {
	running atomic.Bool
	next    int // of the running timer alone
}

// start sees to it that the sweeps go on. Call it after a count has risen.
func (w *sweeper) start(s *Store) {
	if w.running.CompareAndSwap(false, true) {
		time.AfterFunc(sweepEvery, func() { w.turn(s) })
	}
}

func (w *sweeper) turn(s *Store) {
	for range sweepShards {
		s.expire(&s.shards[w.next])
		s.forgetClaims(&s.indexes[w.next])
		w.next = (w.next + 1) % shardCount
	}
	if !s.empty() {
		time.AfterFunc(sweepEvery, func() { w.turn(s) })
		return
	}
	w.running.Store(false)
	if !s.empty() { // a Create came between and saw us running
		w.start(s)
	}
}

// empty reports whether there is nothing to sweep.
func (s *Store) empty() bool { return s.count.Load() == 0 && s.claimed.Load() == 0 }

// expire drops what has expired in one shard. The holes are seen to at the end, when
// nothing is moved that is about to go.
func (s *Store) expire(sh *shard) {
	for s.expireSome(sh) == sweepAtOnce {
	}
	for more := true; more; {
		sh.mu.Lock()
		more = sh.tidy()
		sh.mu.Unlock()
	}
}

// expireSome drops at most sweepAtOnce records and returns how many.
func (s *Store) expireSome(sh *shard) int {
	now := s.now()
	type dropped struct {
		h session.Handle
		r session.Record
	}
	gone := make([]dropped, 0, sweepAtOnce)
	sh.mu.Lock()
	for h, slot := range sh.slots {
		e := &sh.entries[slot]
		if e.alive(now) {
			continue
		}
		gone = append(gone, dropped{h, sh.record(e)})
		s.drop(sh, h)
		if len(gone) == sweepAtOnce {
			break
		}
	}
	sh.mu.Unlock()
	s.count.Add(-int64(len(gone)))
	for _, d := range gone {
		s.tell(d.h, d.r, false)
	}
	return len(gone)
}

// evict drops one record other than keep: of a sample of keep's shard an
// expired one, or else the one that was seen last the longest ago. When keep is
// alone in its shard, the next shards are tried.
func (s *Store) evict(keep session.Handle, now time.Time) {
	for i := range shardCount {
		sh := &s.shards[(int(keep[0])+i)%shardCount]
		sh.mu.Lock()
		h, r, ok := sh.oldest(keep, now)
		if ok {
			s.drop(sh, h)
			sh.tidy()
		}
		sh.mu.Unlock()
		if ok {
			s.count.Add(-1)
			s.tell(h, r, now.Before(r.ExpiresAt))
			return
		}
	}
}

// oldest samples the shard. Go's map iteration begins at a random place.
func (sh *shard) oldest(keep session.Handle, now time.Time) (oldest session.Handle, record session.Record, ok bool) {
	looked, seen := 0, int64(0)
	for other, slot := range sh.slots {
		e := &sh.entries[slot]
		if other == keep {
			continue
		}
		if !e.alive(now) {
			return other, sh.record(e), true
		}
		if !ok || e.lastSeen < seen {
			oldest, seen, ok = other, e.lastSeen, true
		}
		if looked++; looked == sample {
			break
		}
	}
	if ok {
		record = sh.record(sh.find(oldest))
	}
	return oldest, record, ok
}
