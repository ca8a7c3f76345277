package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const canary = "canary-7f3a"

// config is the shape in which secrets travel: nested, behind pointers, in
// slices and maps, exported and not.
type config struct {
	Name   string
	Plain  Text
	Ptr    *Text
	List   []Text
	ByName map[string]Text
	Any    any
	Inner  struct{ Deep Text }
	hidden Text // fmt calls no methods here
}

func newConfig() config {
	t := New(canary)
	c := config{Name: "visible", Plain: t, Ptr: &t, List: []Text{t}, ByName: map[string]Text{"k": t}, Any: t, hidden: t}
	c.Inner.Deep = t
	return c
}

// Text once held a plain string, and fmt printed it from unexported fields.
func TestPrintsNothing(t *testing.T) {
	c := newConfig()
	values := map[string]any{"text": c.Plain, "pointer": c.Ptr, "slice": c.List, "map": c.ByName, "struct": c, "pointer to struct": &c}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X"} {
			if out := fmt.Sprintf(verb, v); leaks(out) {
				t.Errorf("%s of a %s prints the secret: %s", verb, name, out)
			}
		}
		if out := fmt.Sprint(v) + fmt.Sprintln(v); leaks(out) {
			t.Errorf("Sprint of a %s prints the secret: %s", name, out)
		}
		out, err := json.Marshal(v)
		if err != nil || leaks(string(out)) {
			t.Errorf("JSON of a %s: %s, %v", name, out, err)
		}
		if err := fmt.Errorf("reading %v: %w", v, context.Canceled); leaks(err.Error()) {
			t.Errorf("an error with a %s prints the secret: %v", name, err)
		}
	}
}

func TestLogsNothing(t *testing.T) {
	c := newConfig()
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		log := slog.New(handler(&b))
		log.Info("m", "secret", c.Plain, "pointer", c.Ptr, "config", c, "pointer to config", &c, "list", c.List, "map", c.ByName)
		log.With("s", c.Plain).WithGroup("g").Info("m", slog.Group("h", "s", c.Plain))
		if leaks(b.String()) {
			t.Errorf("the %s log has the secret: %s", name, b.String())
		}
		if !strings.Contains(b.String(), redacted) {
			t.Errorf("the %s log does not say that something was redacted: %s", name, b.String())
		}
	}
}

// leaks also looks for the hexadecimal form that %x gives.
func leaks(out string) bool {
	return strings.Contains(out, canary) || strings.Contains(strings.ToLower(out), fmt.Sprintf("%x", canary))
}

func TestText(t *testing.T) {
	var zero Text
	if !zero.IsEmpty() || zero.String() != "" || zero.Reveal() != "" {
		t.Errorf("the zero Text is %q, %q", zero.String(), zero.Reveal())
	}
	s := New(canary)
	if s.IsEmpty() || s.Reveal() != canary || s.String() != redacted {
		t.Errorf("New(canary) is %q, empty %v", s.String(), s.IsEmpty())
	}
	var read Text
	if err := json.Unmarshal([]byte(`"`+canary+`"`), &read); err != nil || read.Reveal() != canary {
		t.Errorf("read from JSON: %q, %v", read.Reveal(), err)
	}
}
