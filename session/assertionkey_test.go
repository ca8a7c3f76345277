package session_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/sallyport/sallyport/session"
)

func keys(t *testing.T, text string) []session.Key {
	t.Helper()
	list, err := session.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestAssertionKeys pins the derivation: an app keeps the published keys, and
// replicas of two versions run side by side. The hashes come from an implementation
// written apart from ours.
func TestAssertionKeys(t *testing.T) {
	const newer, older = "bZrC1nG0mE3l7yQm6QfVg0Hc5hWk2x8sT4uJ9pA1dEw=", "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
	ring, err := session.NewKeyRing(keys(t, newer+","+older), "https://app.example.com|rp1")
	if err != nil {
		t.Fatal(err)
	}
	got := ring.AssertionKeys()
	want := []string{"280b82c0e89566221efa20891d54a3ce3ad67894810352510949de91a919fc65", "fb055128aba43962b543c94fd46664e242bb11ef9dc6ccd005920edd912a87fe"}
	if len(got) != len(want) {
		t.Fatalf("%d keys, want %d", len(got), len(want))
	}
	for i, key := range got {
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(point)
		if hex.EncodeToString(sum[:]) != want[i] {
			t.Errorf("public key %d hashes to %x, want %s", i, sum, want[i])
		}
	}
	other, err := session.NewKeyRing(keys(t, newer), "https://other.example.com|rp1")
	if err != nil {
		t.Fatal(err)
	}
	if other.AssertionKeys()[0].Equal(got[0]) {
		t.Error("another deployment signs with the same key")
	}
	if err := ring.Set(keys(t, older)); err != nil {
		t.Fatal(err)
	}
	if now := ring.AssertionKeys(); len(now) != 1 || !now[0].Equal(got[1]) {
		t.Error("after the exchange the ring does not hold the key of the older secret alone")
	}
}
