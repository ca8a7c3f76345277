package session

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/secret"
)

var compareSecrets = cmp.Comparer(func(a, b secret.Text) bool { return a.Reveal() == b.Reveal() })

func fullSession(t *ticket) *Session {
	return &Session{
		Handle: t.handle(), IdP: "keycloak",
		Identity: Identity{
			Issuer: "https://idp.example.com/", Subject: "äöü \u2028 <script>&", SID: "sid-1",
			User: "alice", Email: "alice@example.com", Name: "Alice Ångström", Groups: []string{"staff", "a,b%", ""}, GroupsWithheld: true, ClaimsWithheld: []string{"roles"},
			Claims: map[string][]string{"dept": {"it", "ä"}, "level": {"1"}},
			ACR:    "urn:mace:silver", AMR: []string{"pwd", "otp"}, AuthTime: time.Unix(1_700_000_000, 0).UTC(),
		},
		Grant: Grant{
			AccessToken: secret.New("at.\"\\"), IDToken: secret.New("id.token"), RefreshToken: secret.New("rt"),
			ExpiresAt: time.Unix(1_800_000_300, 0).UTC(),
		},
		CreatedAt: time.Unix(1_800_000_000, 123_456_789).UTC(),
	}
}

func TestRecordComesBack(t *testing.T) {
	tk := newTicket(time.Now(), 0, whose{7})
	for name, want := range map[string]*Session{
		"everything": fullSession(&tk),
		"least":      {Handle: tk.handle(), Identity: Identity{Subject: "s"}, CreatedAt: time.Unix(1, 0).UTC()},
		"impossible years": {
			Handle: tk.handle(), CreatedAt: time.Unix(1, 0).UTC(),
			Identity: Identity{AuthTime: time.Unix(1<<40, 0).UTC()}, Grant: Grant{ExpiresAt: time.Unix(-1<<40, 0).UTC()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, compact := range []bool{false, true} {
				sealed, err := sealSession(&tk, want, compact)
				if err != nil {
					t.Fatal(err)
				}
				got, err := openSession(&tk, sealed)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, compareSecrets); diff != "" {
					t.Errorf("compact %v: -want +got\n%s", compact, diff)
				}
			}
		})
	}
}

// A stolen store, even with every master key, reads nothing: the record's key
// is in the cookie alone.
func TestRecordShowsNothing(t *testing.T) {
	tk := newTicket(time.Now(), 0, whose{7})
	s := fullSession(&tk)
	first, err := sealSession(&tk, s, false)
	if err != nil {
		t.Fatal(err)
	}
	second, err := sealSession(&tk, s, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"alice", "keycloak", "id.token", "sub", s.Identity.Subject, string(tk.key[:]), string(tk.id[:])} {
		if bytes.Contains(first, []byte(word)) {
			t.Errorf("the record shows %q", word)
		}
	}
	if bytes.Equal(first[:13], second[:13]) {
		t.Error("two records begin with the same nonce")
	}
}

func TestChangedRecordsDoNotOpen(t *testing.T) {
	tk := newTicket(time.Now(), 0, whose{7})
	sealed, err := sealSession(&tk, fullSession(&tk), true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x80
		if _, err := openSession(&tk, changed); err == nil {
			t.Fatalf("opens with byte %d changed", i)
		}
		if _, err := openSession(&tk, sealed[:i]); err == nil {
			t.Fatalf("opens with %d of %d bytes", i, len(sealed))
		}
	}
	if _, err := openSession(&tk, append(bytes.Clone(sealed), 0)); err == nil {
		t.Error("opens with a byte appended")
	}
	swapped := newTicket(time.Now(), 0, whose{7})
	swapped.key = tk.key
	if _, err := openSession(&swapped, sealed); err == nil {
		t.Error("opens as the record of another handle")
	}
	other := newTicket(time.Now(), 0, whose{7})
	other.id = tk.id
	if _, err := openSession(&other, sealed); err == nil {
		t.Error("opens with another key")
	}
}
