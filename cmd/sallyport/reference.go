package main

import (
	"fmt"
	"io"
	"strings"
)

// referenceIntro opens docs/configuration.md.
const referenceIntro = "# Configuration\n\n" +
	"<!-- Written by `sallyport config --markdown` (`make docs`) from cmd/sallyport/config.go: change that file, not this one. -->\n\n" +
	"Sallyport is configured by environment variables alone. `sallyport check` says what is wrong with a configuration\n" +
	"and how to mend it; `sallyport config --env` prints this page as a file to start from.\n\n" +
	"- A variable that is set to nothing counts as unset; the three allow-lists and\n" +
	"  `SALLYPORT_OIDC_EMAIL_DOMAINS` refuse it.\n" +
	"- A secret can also be read from a file: set the variable's name with `_FILE` appended to the file's path. One newline at\n" +
	"  the end is dropped, and the file is read again when it changes.\n" +
	"- Durations are written as `90s`, `15m` or `12h`. Lists are separated by commas.\n" +
	"- An unknown variable whose name begins with `SALLYPORT_` is refused, except those that Kubernetes injects for a\n" +
	"  Service of that name.\n"

// introOf is what the reference says at the beginning of a section; "" = nothing.
func introOf(section string) string {
	if section != severalProviders {
		return ""
	}
	return "Each provider has a number n from 1 to 99, and the variables of the three sections above with SALLYPORT_OIDC_<n>_ in front. " +
		"People choose among them in the order of the numbers. " +
		"The provider without a number may stand beside these, is then the first, and need not be there. " +
		"Of the variables under Claims, one without a number holds for every provider that does not have it with its number, and goes before what its preset sets."
}

// markdown writes docs/configuration.md.
func markdown(w io.Writer, vars []variable) {
	io.WriteString(w, referenceIntro)
	section := ""
	for _, v := range vars {
		if v.Section != section {
			section = v.Section
			fmt.Fprintf(w, "\n## %s\n\n", section)
			if intro := introOf(section); intro != "" {
				fmt.Fprintf(w, "%s\n\n", codeNames(intro))
			}
			fmt.Fprint(w, "| variable | default | meaning |\n|---|---|---|\n")
		}
		name := "`" + v.Name + "`"
		if v.Secret {
			name += "<br>`" + v.Name + fileSuffix + "`"
		}
		fmt.Fprintf(w, "| %s | %s | %s |\n", name, markdownDefault(v), escapeCell(v.meaning(true)))
	}
}

// markdownDefault shows values as code and words as text.
func markdownDefault(v variable) string {
	switch {
	case v.Required:
		return "required"
	case v.Default == "":
		return escapeCell(v.Absent)
	}
	return "`" + v.Default + "`"
}

func escapeCell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// meaning is the doc text with the allowed words and the example.
func (v variable) meaning(code bool) string {
	quote := func(s string) string {
		if code {
			return "`" + s + "`"
		}
		return s
	}
	text := v.Doc
	if code {
		text = codeNames(text)
	}
	if len(v.OneOf) > 0 {
		words := make([]string, len(v.OneOf))
		for i, w := range v.OneOf {
			words[i] = quote(w)
		}
		text += " Values: " + strings.Join(words, ", ") + "."
	}
	if v.Example != "" && !strings.Contains(v.Example, ": ") {
		text += " Example: " + quote(v.Example)
	}
	return text
}

// codeNames puts words that Markdown would misread or that name something
// exactly between backquotes.
func codeNames(text string) string {
	words := strings.Split(text, " ")
	for i, w := range words {
		core := strings.TrimRight(w, ".,;:)")
		if core == "" || strings.HasPrefix(core, "(") {
			continue
		}
		if strings.ContainsAny(core, "_*{") || core[0] == '/' || strings.Contains(core, "://") || strings.HasPrefix(core, "X-") || core == "none" || core == "off" {
			words[i] = "`" + core + "`" + w[len(core):]
		}
	}
	return strings.Join(words, " ")
}

// envFile writes the reference as a file for docker run --env-file or a shell:
// everything is commented out but the required variables.
func envFile(w io.Writer, vars []variable) {
	fmt.Fprintln(w, "# Environment of Sallyport, for docker run --env-file and its like. Lines that\n# begin with # show defaults; the others need a value.")
	section := ""
	for _, v := range vars {
		if v.Section != section {
			section = v.Section
			fmt.Fprintf(w, "\n# %s %s\n", section, strings.Repeat("-", 74-len(section)))
			for line := range wrap(introOf(section), 76) {
				fmt.Fprintf(w, "# %s\n", line)
			}
		}
		fmt.Fprintln(w)
		for line := range wrap(v.meaning(false), 76) {
			fmt.Fprintf(w, "# %s\n", line)
		}
		fmt.Fprintln(w, v.assignment())
		if v.Secret {
			fmt.Fprintf(w, "#%s%s=/run/secrets/%s\n", v.Name, fileSuffix, strings.ToLower(strings.TrimPrefix(v.Name, namePrefix)))
		}
	}
}

// assignment is the variable's line in an env file.
func (v variable) assignment() string {
	if v.Required || strings.HasPrefix(v.Absent, "required") {
		return v.Name + "="
	}
	return "#" + v.Name + "=" + v.Default
}

// plain writes the reference for a terminal.
func plain(w io.Writer, vars []variable) {
	section := ""
	for _, v := range vars {
		if v.Section != section {
			section = v.Section
			fmt.Fprintf(w, "\n%s\n", strings.ToUpper(section))
			for line := range wrap(introOf(section), 76) {
				fmt.Fprintf(w, "  %s\n", line)
			}
		}
		fmt.Fprintf(w, "\n  %s%s\n", v.Name, v.note())
		for line := range wrap(v.meaning(false), 74) {
			fmt.Fprintf(w, "      %s\n", line)
		}
	}
}

// note is what the terminal shows beside a name.
func (v variable) note() string {
	var notes []string
	switch {
	case v.Required:
		notes = append(notes, "required")
	case v.Default != "":
		notes = append(notes, "default: "+v.Default)
	case v.Absent != "":
		notes = append(notes, "default: "+v.Absent)
	}
	if v.Secret {
		notes = append(notes, "or "+v.Name+fileSuffix)
	}
	if len(notes) == 0 {
		return ""
	}
	return "  (" + strings.Join(notes, "; ") + ")"
}

// wrap yields lines of at most width bytes, broken at spaces; a longer word
// has a line of its own.
func wrap(text string, width int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		line := ""
		for word := range strings.FieldsSeq(text) {
			if line != "" && len(line)+1+len(word) > width {
				if !yield(line) {
					return
				}
				line = ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		if line != "" {
			yield(line)
		}
	}
}
