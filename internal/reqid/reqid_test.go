package reqid

import (
	"context"
	"strings"
	"testing"
)

func TestNewIsValidAndFresh(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := New()
		if !Valid(id) || len(id) != 26 || seen[id] {
			t.Fatalf("New() = %q, valid %v, seen before %v", id, Valid(id), seen[id])
		}
		seen[id] = true
	}
}

func TestValid(t *testing.T) {
	for _, tc := range []struct {
		name, id string
		want     bool
	}{
		{"one character", "a", true},
		{"UUID", "6f1b2c34-0000-4aaa-8bbb-0123456789AB", true},
		{"longest", strings.Repeat("x", 64), true},
		{"empty", "", false},
		{"too long", strings.Repeat("x", 65), false},
		{"OP-09 line break", "x\r\nSet-Cookie: a=b", false},
		{"OP-09 escaped line break", `\r\n`, false},
		{"OP-09 terminal escape", "x\x1b[31m", false},
		{"NUL", "x\x00", false},
		{"space", "a b", false},
		{"underscore", "a_b", false},
		{"markup", "<script>", false},
		{"letter beyond ASCII", "é", false},
		{"fullwidth digit", "１", false},
		{"invalid UTF-8", "\xff", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Valid(tc.id); got != tc.want {
				t.Errorf("Valid(%q) = %v, want %v", tc.id, got, tc.want)
			}
		})
	}
}

func TestContext(t *testing.T) {
	if got := From(context.Background()); got != "" {
		t.Errorf("From an empty context = %q", got)
	}
	ctx := With(context.Background(), "outer")
	if got := From(With(ctx, "inner")); got != "inner" {
		t.Errorf("From = %q, want the innermost", got)
	}
	if got := From(ctx); got != "outer" {
		t.Errorf("From = %q, want outer", got)
	}
}

func FuzzValid(f *testing.F) {
	f.Add("a-Z0")
	f.Add("x\n")
	f.Fuzz(func(t *testing.T, id string) {
		if !Valid(id) {
			return
		}
		if len(id) == 0 || len(id) > 64 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			t.Errorf("Valid(%q)", id)
		}
	})
}
