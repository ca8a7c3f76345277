package redisstore

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

func TestRecordKey(t *testing.T) {
	h := newHandle()
	got, ok := parseKey(recordKey(h))
	if !ok || got != h {
		t.Errorf("parseKey(%q) = %v, %v", recordKey(h), got, ok)
	}
	for _, key := range []string{
		"", "sallyport:{", "sallyport:{}", "sallyport:}", lockKey(h), "x" + recordKey(h), recordKey(h) + "}", recordKey(h)[:20],
	} {
		if _, ok := parseKey(key); ok {
			t.Errorf("parseKey(%q) is a record's", key)
		}
	}
}

// A value is either what was encoded for this very handle, or ErrCorrupt.
func FuzzDecode(f *testing.F) {
	h := session.Handle{1, 2, 3}
	r := session.Record{Version: 7, Sealed: []byte("sealed"), LastSeen: time.Unix(5, 0).UTC(), ExpiresAt: time.UnixMilli(6).UTC()}
	f.Add(encode(h, r, true))
	f.Add(encode(h, r, false))
	f.Add(encode(session.Handle{}, r, true))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decode(h, b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("error %v is not ErrCorrupt", err)
			}
			return
		}
		if again := encode(h, got, true); !bytes.Equal(again, b) {
			t.Errorf("%x decodes to %+v, which encodes to %x", b, got, again)
		}
	})
}

func TestTTL(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, tt := range []struct {
		expires time.Time
		want    string
	}{
		{now.Add(time.Second), "1000"}, {now.Add(1500 * time.Microsecond), "1"}, {now, "1"}, {now.Add(-time.Hour), "1"},
		{time.Time{}, "1"}, {now.Add(maxTTL), "3162240000000"}, {now.AddDate(9000, 0, 0), "3162240000000"},
	} {
		if got := ttl(tt.expires, now); got != tt.want {
			t.Errorf("ttl of %v = %s, want %s", tt.expires.Sub(now), got, tt.want)
		}
	}
}
