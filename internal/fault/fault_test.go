package fault

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestNew(t *testing.T) {
	e := New(NotFound, io.EOF)
	if e.Code != NotFound || e.Status != http.StatusNotFound || !errors.Is(e, io.EOF) {
		t.Errorf("New = %+v", e)
	}
	e.Hint = "changed"
	if New(NotFound, nil).Hint == "changed" {
		t.Error("a fault shares memory with the catalogue")
	}
	if e := New("no_such_code", io.EOF); e.Code != Internal || e.Title == "" || !errors.Is(e, io.EOF) {
		t.Errorf("New of an unknown code = %+v, want internal_error with the cause", e)
	}
}

func TestOf(t *testing.T) {
	want := New(IdPTimeout, io.EOF)
	if got := Of(fmt.Errorf("redeeming the code: %w", want)); got != want {
		t.Errorf("Of = %v, want the fault in the chain", got)
	}
	if got := Of(io.EOF); got.Code != Internal || !errors.Is(got, io.EOF) {
		t.Errorf("Of of another error = %v, want internal_error with the cause", got)
	}
}

func TestErrorText(t *testing.T) {
	if got := New(NotFound, nil).Error(); got != "not_found" {
		t.Errorf("without cause: %q", got)
	}
	if got := New(NotFound, io.EOF).Error(); got != "not_found: EOF" {
		t.Errorf("with cause: %q", got)
	}
}

// Each entry has all that a page shows, in whole sentences.
func TestCatalogue(t *testing.T) {
	code := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for c, e := range catalogue {
		if !code.MatchString(string(c)) {
			t.Errorf("code %q is not in snake case", c)
		}
		if e.Status < 400 || http.StatusText(e.Status) == "" {
			t.Errorf("%s: status %d", c, e.Status)
		}
		if e.Title == "" || strings.HasSuffix(e.Title, ".") {
			t.Errorf("%s: title %q; want a few words without a full stop", c, e.Title)
		}
		if !strings.HasSuffix(e.Detail, ".") || !strings.HasSuffix(e.Hint, ".") {
			t.Errorf("%s: detail %q and hint %q must be sentences", c, e.Detail, e.Hint)
		}
		if e.Code != "" || e.Cause != nil || e.RetryURL != "" {
			t.Errorf("%s: the catalogue sets what New and callers set", c)
		}
		if e.RetryAfter < 0 || e.RetryAfter > time.Minute || e.RetryAfter > 0 && e.Status < 500 {
			t.Errorf("%s: status %d with RetryAfter %v", c, e.Status, e.RetryAfter)
		}
	}
}

func TestDocumentationHasEachCode(t *testing.T) {
	doc, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{} // code → status
	for _, m := range regexp.MustCompile(`(?m)^## (\S+)\n\nStatus (\d+)\.`).FindAllStringSubmatch(string(doc), -1) {
		if _, twice := documented[m[1]]; twice {
			t.Errorf("%s is documented twice", m[1])
		}
		documented[m[1]] = m[2]
	}
	if n := strings.Count(string(doc), "\n## "); n != len(documented) {
		t.Errorf("%d headings, but %d of the form \"## code\" with a status", n, len(documented))
	}
	codes := Codes()
	for _, c := range codes {
		status, ok := documented[string(c)]
		if !ok {
			t.Errorf("docs/errors.md has no heading %q", "## "+string(c))
		} else if status != strconv.Itoa(catalogue[c].Status) {
			t.Errorf("docs/errors.md gives %s status %s, the catalogue %d", c, status, catalogue[c].Status)
		}
	}
	for c := range documented {
		if !slices.Contains(codes, Code(c)) {
			t.Errorf("docs/errors.md explains %q, which is no code", c)
		}
	}
}
