package accesslog

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// bySlog is the line that log/slog writes.
func bySlog(text bool, at time.Time, message, value string, number int64, took time.Duration) string {
	var b bytes.Buffer
	var h slog.Handler = slog.NewJSONHandler(&b, nil)
	if text {
		h = slog.NewTextHandler(&b, nil)
	}
	r := slog.NewRecord(at, slog.LevelInfo, message, 0)
	r.AddAttrs(slog.String("path", value), slog.Int64("bytes", number), slog.Float64("duration_ms", float64(took.Microseconds())/1000), slog.String("sub", value))
	_ = h.Handle(nil, r)
	return b.String()
}

func byUs(text bool, at time.Time, message, value string, number int64, took time.Duration) string {
	var b bytes.Buffer
	log := New(Config{To: &b, Text: text})
	line := log.Begin(nil, at, message)
	line = log.String(line, "path", value)
	line = log.Int(line, "bytes", number)
	line = log.Milliseconds(line, "duration_ms", took)
	log.End(log.String(line, "sub", value))
	log.Prompt()
	return b.String()
}

// What slog writes and what we write, for strings that are meant to forge lines, for
// numbers at their ends and for the times that are written in several ways.
func TestLineIsSlogs(t *testing.T) {
	east := time.FixedZone("", 5*3600+45*60)
	times := []time.Time{
		time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2026, 1, 2, 3, 4, 5, 120_000_000, time.UTC),
		time.Date(2026, 12, 31, 23, 59, 59, 999_999_999, east), time.Date(2026, 1, 2, 3, 4, 5, 1, time.Local), time.Now(),
	}
	values := []string{
		"", "/", "/a%0ab", "/a b", "a=b", `a"b\c`, "\n{\"msg\":\"request\"}\n", "\r\t\x00\x1f\x7f", "ü/日本/😀", "\u2028\u2029\u0085\u00a0\ufeff",
		"\xff", "a\xc3", "\xed\xa0\x80", "\ufffd", `\`, "</script>&'", strings.Repeat("x", 1024) + "…",
	}
	tooks := []time.Duration{0, time.Nanosecond, time.Microsecond, 999 * time.Microsecond, 1234567 * time.Nanosecond, time.Second, 1234567 * time.Millisecond, 1000 * time.Hour, -1500 * time.Microsecond}
	for _, text := range []bool{false, true} {
		for _, value := range values {
			for i, took := range tooks {
				at, number := times[i%len(times)], int64(i)<<59
				if got, want := byUs(text, at, "request", value, number, took), bySlog(text, at, "request", value, number, took); got != want {
					t.Errorf("text %t, %q:\n got %swant %s", text, value, got, want)
				}
			}
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\nb\"\\", int64(-1), int64(1500), int64(1_700_000_000_123_456_789))
	f.Add("\u2028\xff \x7f", int64(7), int64(1<<50), int64(0))
	f.Fuzz(func(t *testing.T, value string, number, took, at int64) {
		for _, text := range []bool{false, true} {
			when := time.Unix(0, at).UTC()
			got, want := byUs(text, when, "request", value, number, time.Duration(took)), bySlog(text, when, "request", value, number, time.Duration(took))
			if got != want {
				t.Errorf("text %t:\n got %swant %s", text, got, want)
			}
			if strings.Count(got, "\n") != 1 {
				t.Errorf("it is more than one line: %q", got)
			}
		}
	})
}

// A line that fits its buffer costs no memory.
func TestLineAllocatesNothing(t *testing.T) {
	log := New(Config{To: io.Discard})
	at := time.Now()
	n := testing.AllocsPerRun(1000, func() {
		var buf [512]byte
		line := log.Begin(buf[:0], at, "request")
		line = log.String(line, "path", "/invoices/2026?\n")
		line = log.Milliseconds(line, "duration_ms", 1234*time.Microsecond)
		log.End(line)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLine(b *testing.B) {
	log := New(Config{To: io.Discard})
	at := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		var buf [512]byte
		line := log.Begin(buf[:0], at, "request")
		line = log.String(line, "request_id", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		line = log.String(line, "method", "GET")
		line = log.String(line, "path", "/invoices/2026")
		line = log.Int(line, "status", 200)
		line = log.Int(line, "bytes", 1024)
		line = log.Milliseconds(line, "duration_ms", 1234*time.Microsecond)
		line = log.String(line, "remote", "192.0.2.7")
		line = log.String(line, "sub", "00u1a2b3c4d5e6f7g8h9")
		log.End(line)
	}
}
