package policy

import (
	"strings"
	"testing"
)

func mustNew(t testing.TB, c Config) *Policy {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNewNamesVariableAndRemedy(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config Config
		want   []string // each part of the message
	}{
		{"address without @", Config{AllowedEmails: []string{"example.com"}}, []string{varEmails, `"example.com"`, varDomains}},
		{"address with two @", Config{AllowedEmails: []string{"a@b@example.com"}}, []string{varEmails, "name@domain"}},
		{"address with a wildcard", Config{AllowedEmails: []string{"*@example.com"}}, []string{varEmails, varDomains}},
		{"empty address", Config{AllowedEmails: []string{" "}}, []string{varEmails, "stray comma"}},
		{"domain with @", Config{AllowedEmailDomains: []string{"@example.com"}}, []string{varDomains, `write the domain alone, "example.com"`}},
		{"an address as domain", Config{AllowedEmailDomains: []string{"a@example.com"}}, []string{varDomains, "what follows the @"}},
		{"domain pattern", Config{AllowedEmailDomains: []string{"*.example.com"}}, []string{varDomains, "list each subdomain"}},
		{"leading dot", Config{AllowedEmailDomains: []string{".example.com"}}, []string{varDomains, "list each subdomain"}},
		{"OP-16 every domain", Config{AllowedEmailDomains: []string{"*"}}, []string{varDomains, "leave the variable out"}},
		{"trailing dot", Config{AllowedEmailDomains: []string{"example.com."}}, []string{varDomains, "is not a domain"}},
		{"domain with a space", Config{AllowedEmailDomains: []string{"example .com"}}, []string{varDomains, "is not a domain"}},
		{"OP-16 empty domain", Config{AllowedEmailDomains: []string{""}}, []string{varDomains, "stray comma"}},
		{"OP-16 every group", Config{AllowedGroups: []string{"*"}}, []string{varGroups, "leave the variable out"}},
		{"empty group", Config{AllowedGroups: []string{"staff", ""}}, []string{varGroups, "stray comma"}},
		{"OP-16 everything public", Config{PublicPaths: []string{"/**"}}, []string{varPublic, "covers everything", "/public/**"}},
		{"everything, twice", Config{PublicPaths: []string{"/**/**"}}, []string{varPublic, "covers everything"}},
		{"everything below the root", Config{PublicPaths: []string{"/*/**"}}, []string{varPublic, "covers everything"}},
		{"everything, the other way", Config{PublicPaths: []string{"/**/*"}}, []string{varPublic, "covers everything"}},
		{"every folder", Config{PublicPaths: []string{"/**/"}}, []string{varPublic, "covers everything"}},
		{"bare **", Config{PublicPaths: []string{"**"}}, []string{varPublic, "does not begin with /"}},
		{"relative", Config{PublicPaths: []string{"public/**"}}, []string{varPublic, "does not begin with /"}},
		{"OP-16 regular expression", Config{PublicPaths: []string{"^/public/.*"}}, []string{varPublic, "does not begin with /"}},
		{"URL", Config{PublicPaths: []string{"https://app.example.com/public"}}, []string{varPublic, "does not begin with /"}},
		{"method", Config{PublicPaths: []string{"GET /public"}}, []string{varPublic, "does not begin with /"}},
		{"** beside text", Config{PublicPaths: []string{"/public**"}}, []string{varPublic, "stands alone between slashes"}},
		{"query", Config{PublicPaths: []string{"/public?x=1"}}, []string{varPublic, "without query"}},
		{"braces", Config{PublicPaths: []string{"/{a}"}}, []string{varPublic, "only * and **"}},
		{"dot segment", Config{PublicPaths: []string{"/public/../x"}}, []string{varPublic, "can never match"}},
		{"empty segment", Config{PublicPaths: []string{"//public"}}, []string{varPublic, "can never match"}},
		{"encoded slash", Config{PublicPaths: []string{"/public%2fx"}}, []string{varPublic, "can never match"}},
		{"broken percent", Config{PublicPaths: []string{"/public/%zz"}}, []string{varPublic, "can never match"}},
		{"control character", Config{PublicPaths: []string{"/public/\x01"}}, []string{varPublic, "can never match"}},
		{"parameters", Config{PublicPaths: []string{"/public;x/**"}}, []string{varPublic, "only * and **"}},
		{"empty path", Config{PublicPaths: []string{"/public", ""}}, []string{varPublic, "stray comma"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := New(tc.config)
			if err == nil || p != nil {
				t.Fatalf("New(%+v) = %v, %v; want no policy and an error", tc.config, p, err)
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not contain %q", err, part)
				}
			}
		})
	}
}

func TestNewJoinsAllFaults(t *testing.T) {
	_, err := New(Config{
		AllowedEmails:       []string{"nobody", "also nobody"},
		AllowedEmailDomains: []string{"@example.com"},
		AllowedGroups:       []string{"*"},
		PublicPaths:         []string{"/**", "public"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 6 {
		t.Errorf("%d faults, want 6:\n%v", len(lines), err)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "SALLYPORT_") {
			t.Errorf("%q does not begin with its variable", line)
		}
	}
}
