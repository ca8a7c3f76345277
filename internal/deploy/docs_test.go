package deploy

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fence      = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	inlineLink = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	refLink    = regexp.MustCompile(`(?m)^\[[^\]]+\]:\s*(\S+)`)
	heading    = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *#*$`)
	markup     = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	notSlug    = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

func TestLinksAndAnchors(t *testing.T) {
	pages := markdown(t)
	for name, text := range pages {
		prose := fence.ReplaceAllString(text, "")
		links := append(
			inlineLink.FindAllStringSubmatch(inlineCode.ReplaceAllString(prose, ""), -1),
			refLink.FindAllStringSubmatch(prose, -1)...)
		for _, link := range links {
			if why := broken(pages, name, link[1]); why != "" {
				t.Errorf("%s: link %q: %s", name, link[1], why)
			}
		}
	}
}

// broken says what is wrong with a link of a page, or "".
func broken(pages map[string]string, page, target string) string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return ""
	}
	file, anchor, _ := strings.Cut(target, "#")
	dest := page
	if file != "" {
		dest = path.Join(path.Dir(page), file)
	}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(dest))); err != nil {
		return "there is no such file"
	}
	if anchor != "" && !anchors(pages[dest])[anchor] {
		return "there is no such heading"
	}
	return ""
}

// anchors returns the ids that GitHub gives to a page's headings.
func anchors(text string) map[string]bool {
	ids := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		id := strings.ToLower(markup.ReplaceAllString(h[1], "$1"))
		id = strings.ReplaceAll(notSlug.ReplaceAllString(id, ""), " ", "-")
		ids[id] = true
	}
	return ids
}

func TestLinkCheckFindsWhatIsBroken(t *testing.T) {
	pages := map[string]string{"README.md": "# A `b` and [c](d)!\n```\n# not one\n```\n"}
	tests := []struct{ target, want string }{
		{"https://example.com/x", ""},
		{"LICENSE", ""},
		{"no-such-file.md", "there is no such file"},
		{"#a-b-and-c", ""},
		{"#not-one", "there is no such heading"},
	}
	for _, tt := range tests {
		if got := broken(pages, "README.md", tt.target); got != tt.want {
			t.Errorf("broken(%q) = %q, want %q", tt.target, got, tt.want)
		}
	}
}

// A variable that the program does not know stops it, so no page may name one.
func TestVariablesInPagesExist(t *testing.T) {
	known := variables(t)
	for page, text := range markdown(t) {
		for _, name := range variable.FindAllString(text, -1) {
			name = numbered.ReplaceAllString(name, "SALLYPORT_${1}_<n>_")
			if !known[name] && !known[strings.TrimSuffix(name, "_FILE")] {
				t.Errorf("%s names %s, which docs/configuration.md does not know", page, name)
			}
		}
	}
}
