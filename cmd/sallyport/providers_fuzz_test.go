package main

import (
	"strings"
	"testing"
)

// Each variable is one of a provider that is known, a fault, or left for others; and a
// provider's variables have one name each, with a number or without.
func FuzzTakeNumbered(f *testing.F) {
	for _, name := range []string{"OIDC_2_ISSUER", "OIDC_02_ISSUER", "OIDC_100_ISSUER", "OIDC_1_CLIENT_SECRET_FILE", "OIDC_1_CLAIM_USER", "OIDC_1_", "OIDC_ISSUER_2", "OIDC_18446744073709551617_ID"} {
		f.Add(name, "x")
	}
	f.Fuzz(func(t *testing.T, rest, value string) {
		name := namePrefix + rest
		set, faults := map[string]string{name: value}, newFaults()
		all := takeNumbered(set, faults)
		taken := 0
		for n, own := range all {
			for plain, got := range own {
				taken++
				if n < 1 || n > mostProviders || numberedNames(n).of(plain) != name || got != value {
					t.Errorf("%s=%q became %s=%q of provider %d", name, value, plain, got, n)
				}
				if back := numberedNames(n).in("x " + plain + " y"); back != "x "+name+" y" {
					t.Errorf("in a sentence %s is %q", name, back)
				}
			}
		}
		if taken+len(faults.errs)+len(set) != 1 {
			t.Errorf("%s is taken %d times, %d faults, %d left", name, taken, len(faults.errs), len(set))
		}
		if near := nearestNumbered(name, []string{"SALLYPORT_OIDC_ISSUER", "SALLYPORT_UPSTREAM"}); near != "" && !strings.HasPrefix(near, namePrefix) {
			t.Errorf("%s is near %q", name, near)
		}
	})
}
