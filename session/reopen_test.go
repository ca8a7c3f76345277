package session

import (
	"testing"
	"time"
)

// A use that another replica wrote down changes a record's times and not what is
// sealed in it, so nothing is opened again; a refresh seals anew.
func TestRecordIsOpenedAgainOnlyWhenSealedAnew(t *testing.T) {
	m := &Manager{useEvery: time.Minute, idle: time.Hour, maxAge: 12 * time.Hour}
	tk := newTicket(time.Now(), 0, whose{7})
	record := func(version uint64, seen time.Time, sealed []byte) Record {
		return Record{Version: version, Sealed: sealed, LastSeen: seen}
	}
	sealed := func() []byte {
		b, err := sealSession(&tk, fullSession(&tk), false)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	now, before := time.Now().Truncate(time.Second), sealed()
	first, err := m.openRecord(&opened{ticket: tk, handle: tk.handle()}, record(1, now, before))
	if err != nil {
		t.Fatal(err)
	}
	seen := now.Add(time.Minute)
	used, err := m.openRecord(first, record(2, seen, before))
	if err != nil {
		t.Fatal(err)
	}
	if &used.session.Identity.Groups[0] != &first.session.Identity.Groups[0] {
		t.Error("a record of which only the times had changed was opened again")
	}
	if used.version != 2 || !used.session.LastSeen.Equal(seen) || !used.session.IdleAt.After(first.session.IdleAt) || used.nextUse.Load() <= first.nextUse.Load() {
		t.Errorf("version %d, last seen %v: the times are not those of the record", used.version, used.session.LastSeen)
	}
	renewed, err := m.openRecord(used, record(3, seen, sealed()))
	if err != nil {
		t.Fatal(err)
	}
	if &renewed.session.Identity.Groups[0] == &used.session.Identity.Groups[0] {
		t.Error("a record that was sealed anew was not opened")
	}
	if _, err := m.openRecord(renewed, record(4, seen, []byte("damaged"))); err == nil {
		t.Error("a damaged record opened")
	}
}
