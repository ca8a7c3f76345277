package arch

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sallyport/sallyport"

// everything is the arrow of the composition root.
const everything = "*"

// common are the rooms that all layers share. They import nothing but the
// standard library.
var common = []string{"internal/fault", "internal/recall", "internal/reqid", "internal/secret"}

// arrows says which packages of ours each package may import. What is not listed
// may import none.
var arrows = map[string][]string{
	"cmd/sallyport": {everything},

	"proxy":        append([]string{"session", "proxy/policy", "proxy/pages", "proxy/hop", "internal/accesslog", "internal/device"}, common...),
	"proxy/policy": {"session"},
	"proxy/pages":  common,
	"proxy/hop":    nil,

	"idp":         append([]string{"session"}, common...),
	"idp/oidcrp":  append([]string{"idp", "session"}, common...),
	"idp/demoidp": nil,

	"session":             common,
	"session/memstore":    {"session"},
	"session/boltstore":   {"session"},
	"session/redisstore":  {"session"},
	"session/cookiestore": {"session", "internal/recall"},
	"session/storetest":   {"session"},

	"internal/bench": {"idp/demoidp", "internal/demoapp", "internal/loopback"},
	"internal/e2e":   {"internal/loopback"},
}

// inTests are what any test may import beside its package's arrows and the
// package itself, so that flows run against a real provider and a real store.
var inTests = []string{"idp/demoidp", "internal/loopback", "session/cookiestore", "session/memstore", "session/storetest"}

// blackBoxes are packages whose tests, too, follow the arrows alone: none of what they test.
var blackBoxes = []string{"internal/e2e"}

func TestArrows(t *testing.T) {
	files, err := scan(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, needed := range []string{"cmd/sallyport", "proxy", "session", "idp"} {
		if !slices.ContainsFunc(files, func(f file) bool { return f.dir == needed }) {
			t.Errorf("package %s was not found: is this the root of the module?", needed)
		}
	}
	for _, fault := range wrongArrows(files) {
		t.Error(fault)
	}
}

// wrongArrows names each import that no arrow allows.
func wrongArrows(files []file) []string {
	var faults []string
	for _, f := range files {
		for _, imported := range f.imports {
			ours, isOurs := strings.CutPrefix(imported, module+"/")
			switch {
			case isOurs && !allowed(f, ours):
				faults = append(faults, fmt.Sprintf("%s imports %s, for which there is no arrow", f.path, ours))
			case !isOurs && !isStandard(imported) && !f.isTest && slices.Contains(common, f.dir):
				faults = append(faults, fmt.Sprintf("%s imports %s, but packages that all share use the standard library only", f.path, imported))
			}
		}
	}
	return faults
}

func allowed(f file, ours string) bool {
	if slices.Contains(arrows[f.dir], everything) || slices.Contains(arrows[f.dir], ours) {
		return true
	}
	return f.isTest && !slices.Contains(blackBoxes, f.dir) && (ours == f.dir || slices.Contains(inTests, ours))
}

// isStandard tells by the first element, which for other modules is a host name.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func TestArrowsThemselves(t *testing.T) {
	for _, tc := range []struct {
		name, path, imports string
		want                int
	}{
		{"an arrow", "proxy/a.go", module + "/session", 0},
		{"a shared room", "proxy/pages/a.go", module + "/internal/fault", 0},
		{"the root imports everything", "cmd/sallyport/a.go", module + "/idp/oidcrp", 0},
		{"proxy knows no protocol", "proxy/a.go", module + "/idp", 1},
		{"nor the demo's provider", "proxy/a.go", module + "/idp/demoidp", 1},
		{"but its tests do", "proxy/a_test.go", module + "/idp/demoidp", 0},
		{"tests get no other protocol", "proxy/a_test.go", module + "/idp/oidcrp", 1},
		{"a protocol knows no proxy", "idp/oidcrp/a.go", module + "/proxy/pages", 1},
		{"nor do its tests", "idp/oidcrp/a_test.go", module + "/proxy/pages", 1},
		{"session is a leaf", "session/a.go", module + "/session/memstore", 1},
		{"an external test imports its package", "session/a_test.go", module + "/session", 0},
		{"policy sees no faults", "proxy/policy/a.go", module + "/internal/fault", 1},
		{"the demo's provider stands alone", "idp/demoidp/a.go", module + "/internal/secret", 1},
		{"black-box tests stand alone", "internal/e2e/a_test.go", module + "/idp/demoidp", 1},
		{"a new room has no arrows", "idp/samlsp/a.go", module + "/session", 1},
		{"shared rooms use the standard library", "internal/secret/a.go", "net/http", 0},
		{"and no other", "internal/secret/a.go", "golang.org/x/text", 1},
		{"other rooms use others", "session/a.go", "golang.org/x/sync/singleflight", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := file{path: tc.path, dir: path.Dir(tc.path), isTest: strings.HasSuffix(tc.path, "_test.go"), imports: []string{tc.imports}}
			if got := wrongArrows([]file{f}); len(got) != tc.want {
				t.Errorf("%d faults %q, want %d", len(got), got, tc.want)
			}
		})
	}
}
