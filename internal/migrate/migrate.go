package migrate

import (
	"maps"
	"slices"
	"strings"
)

// Product is a proxy that can be migrated from.
type Product struct {
	Name   string // as in "sallyport migrate oauth2-proxy"
	prefix string // of its environment variables
	table  map[string]rule
	// finish sees to what follows from several settings, and from those that are
	// not set.
	finish func(*translation)
}

// Products are all that are known.
func Products() []Product { return []Product{oauth2Proxy(), wonderwall()} }

// Setting is one variable of ours.
type Setting struct {
	Name  string
	Value string // "" together with a Remark: to be filled in by hand
	// Remark says what to look at; "" = nothing.
	Remark string
}

// Note is what has to be known about a setting of the other product that did not
// become one of ours.
type Note struct {
	Variable string // of the other product
	Text     string
}

// Result is a translated environment. The zero value says that nothing was set.
type Result struct {
	Settings []Setting // in the order of their names
	Notes    []Note    // in the order of the variables
}

// Translate reads the variables of the product from an environment ("NAME=value",
// of several with one name the last) and passes over all others.
func (p Product) Translate(environ []string) Result {
	t := &translation{values: make(map[string]string)}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if short, ours := strings.CutPrefix(name, p.prefix); ours {
			t.values[short] = value
		}
	}
	if len(t.values) == 0 {
		return Result{}
	}
	for _, short := range slices.Sorted(maps.Keys(t.values)) {
		t.variable = p.prefix + short
		value := t.values[short]
		apply, known := p.table[short]
		switch {
		case !known:
			t.note("is not known here; look for its counterpart in docs/configuration.md")
		case value != "":
			apply(t, value)
		}
	}
	t.variable = ""
	p.finish(t)
	slices.SortFunc(t.result.Settings, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(t.result.Notes, func(a, b Note) int {
		return strings.Compare(a.Variable+" "+a.Text, b.Variable+" "+b.Text)
	})
	return t.result
}

// translation is one environment on its way.
type translation struct {
	values   map[string]string // by name without the prefix
	variable string            // the one that is looked at
	result   Result
}

// rule is what becomes of a setting that is not empty.
type rule func(t *translation, value string)

// set gives a variable of ours its value; the first one counts.
func (t *translation) set(name, value, remark string) {
	if i := slices.IndexFunc(t.result.Settings, func(s Setting) bool { return s.Name == name }); i >= 0 {
		if t.result.Settings[i].Value != value {
			t.note("would become " + name + ", too, which has one value")
		}
		return
	}
	t.result.Settings = append(t.result.Settings, Setting{Name: name, Value: value, Remark: remark})
}

func (t *translation) note(text string) {
	t.result.Notes = append(t.result.Notes, Note{Variable: t.variable, Text: text})
}

// setAnyway is set for what several settings decide together.
func (t *translation) setAnyway(name, value, remark string) {
	t.result.Settings = slices.DeleteFunc(t.result.Settings, func(s Setting) bool { return s.Name == name })
	t.set(name, value, remark)
}

func (t *translation) has(name string) bool {
	return slices.ContainsFunc(t.result.Settings, func(s Setting) bool { return s.Name == name })
}

// same is a setting that ours takes as it is.
func same(name string) rule {
	return func(t *translation, value string) { t.set(name, value, "") }
}

// differs is one that ours takes, with a difference.
func differs(name, remark string) rule {
	return func(t *translation, value string) { t.set(name, value, remark) }
}

// secretly is a secret, which is not printed.
func secretly(name string) rule {
	return func(t *translation, _ string) {
		t.set(name, "", "copy the value of "+t.variable+"; secrets are not printed. "+name+"_FILE takes the path of a file instead")
	}
}

// remark is a setting without a counterpart.
func remark(text string) rule {
	return func(t *translation, _ string) { t.note(text) }
}

// onlyIf applies a rule when a switch is on, and another when it is off.
func onlyIf(on, off rule) rule {
	return func(t *translation, value string) {
		if isTrue(value) {
			on(t, value)
			return
		}
		off(t, value)
	}
}

// nothing is for settings that need nothing done.
func nothing(*translation, string) {}

func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "1", "t", "true", "y", "yes":
		return true
	}
	return false
}

// list splits a comma-separated value.
func list(value string) []string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
