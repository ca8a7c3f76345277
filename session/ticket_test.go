package session

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func sealTestTicket(t testing.TB, ring *KeyRing) (ticket, string) {
	t.Helper()
	tk := newTicket(time.Unix(1_800_000_000, 0), 2, whose{7})
	value, err := tk.seal(ring.current.Load(), scanned)
	if err != nil {
		t.Fatal(err)
	}
	return tk, value
}

func TestTicketComesBack(t *testing.T) {
	ring := newTestRing(t, GenerateKey())
	want, value := sealTestTicket(t, ring)
	got, ok := openTicket(ring.current.Load(), scanned, value)
	if !ok || got != want {
		t.Fatalf("openTicket: ok %v, same %v", ok, got == want)
	}
	if !isSealed(value, maxTicketValue) {
		t.Error("the value has characters that the scan refuses")
	}
	if len(value) > 256 {
		t.Errorf("the value has %d bytes, want at most 256", len(value))
	}
}

func TestTicketsAreNew(t *testing.T) {
	a, b := newTicket(time.Now(), 0, whose{7}), newTicket(time.Now(), 0, whose{7})
	if a.id == b.id || a.key == b.key || a.handle() == b.handle() || a.id == a.key {
		t.Error("two tickets share an id or a key")
	}
}

func TestAttemptSaturates(t *testing.T) {
	for given, want := range map[int]uint8{-1: 0, 0: 0, 255: 255, 256: 255, 1 << 40: 255} {
		if got := newTicket(time.Now(), given, whose{7}).attempt; got != want {
			t.Errorf("attempt %d becomes %d, want %d", given, got, want)
		}
	}
}

// CK-01: whatever is changed, shortened or appended, the answer is the same.
func TestChangedTicketsDoNotOpen(t *testing.T) {
	ring := newTestRing(t, GenerateKey())
	_, value := sealTestTicket(t, ring)
	refuse := func(name, changed string) {
		t.Helper()
		if tk, ok := openTicket(ring.current.Load(), scanned, changed); ok || tk != (ticket{}) {
			t.Errorf("%s: opens", name)
		}
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="
	for i := range value {
		for _, c := range []byte(alphabet) {
			if c != value[i] {
				refuse("CK-01 character changed", value[:i]+string(c)+value[i+1:])
			}
		}
		refuse("CK-01 truncated", value[:i])
		refuse("CK-01 truncated in front", value[i+1:])
	}
	raw, err := base64.URLEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(raw) {
		raw[bit/8] ^= 1 << (bit % 8)
		refuse("CK-01 bit flipped", base64.URLEncoding.EncodeToString(raw))
		raw[bit/8] ^= 1 << (bit % 8)
	}
	for name, changed := range map[string]string{
		"CK-01 extended":         value + "A",
		"CK-01 extended by four": value + "AAAA",
		"CK-01 padded":           value + "=",
		"CK-01 doubled":          value + value,
		"CK-01 unpadded":         strings.TrimRight(value[:len(value)-1], "="),
		"line end inside":        value[:8] + "\n" + value[8:],
		"line end behind":        value + "\r\n",
		"CK-01 standard base64":  base64.StdEncoding.EncodeToString(append(raw, 0xfb, 0xff)),
		"empty":                  "",
		"separators alone":       base64.URLEncoding.EncodeToString([]byte("||||")),
		"no separator":           base64.URLEncoding.EncodeToString([]byte("1800000000")),
		"too long":               strings.Repeat("A", maxTicketValue+4),
	} {
		refuse(name, changed)
	}
}

func TestTicketsOfElsewhereDoNotOpen(t *testing.T) {
	key := GenerateKey()
	ring := newTestRing(t, key)
	_, value := sealTestTicket(t, ring)
	keys := ring.current.Load()
	if _, ok := openTicket(keys, "__Host-other", value); ok {
		t.Error("CK-13 opens under another cookie name")
	}
	if _, ok := keys.login.open(scanned, value); ok {
		t.Error("CK-13 a ticket opens as a login cookie")
	}
	login, err := keys.login.seal(scanned, make([]byte, ticketSize))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := openTicket(keys, scanned, login); ok {
		t.Error("CK-13 a login cookie opens as a ticket")
	}
	for name, scope := range map[string]string{
		"CK-14 another origin": "https://staging.example.com|rp1",
		"CK-14 another client": "https://app.example.com|rp2",
	} {
		other, err := NewKeyRing([]Key{key}, scope)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := openTicket(other.current.Load(), scanned, value); ok {
			t.Errorf("%s: opens", name)
		}
	}
	if _, ok := openTicket(newTestRing(t, GenerateKey()).current.Load(), scanned, value); ok {
		t.Error("CK-11 opens under an unknown key")
	}
}

// Sealed by us, but of another format: a version to come, or a login cookie of
// the right size under the wrong codec.
func TestTicketsOfAnotherFormatDoNotOpen(t *testing.T) {
	keys := newTestRing(t, GenerateKey()).current.Load()
	for name, plain := range map[string][]byte{
		"empty": {}, "version 0": make([]byte, ticketSize), "version 1": append([]byte{1}, make([]byte, ticketSize-1)...),
		"short": append([]byte{2}, make([]byte, ticketSize-2)...), "long": append([]byte{2}, make([]byte, ticketSize)...),
	} {
		value, err := keys.ticket.seal(scanned, plain)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := openTicket(keys, scanned, value); ok {
			t.Errorf("%s: opens", name)
		}
	}
}

// FuzzTicket changes a sealed ticket at will: nothing but the value itself
// opens.
func FuzzTicket(f *testing.F) {
	ring := newTestRing(f, GenerateKey())
	_, value := sealTestTicket(f, ring)
	f.Add(0, 0, "")
	f.Add(0, len(value), value)
	f.Add(5, 3, "abc")
	f.Add(len(value), 0, "=")
	f.Fuzz(func(t *testing.T, at, cut int, insert string) {
		at = min(max(at, 0), len(value))
		end := min(at+min(max(cut, 0), len(value)), len(value))
		changed := value[:at] + insert + value[end:]
		_, ok := openTicket(ring.current.Load(), scanned, changed)
		if ok != (changed == value) {
			t.Errorf("opens = %v for a value that is the same = %v", ok, changed == value)
		}
	})
}
