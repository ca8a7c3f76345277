package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

const (
	namePrefix = "SALLYPORT_"
	fileSuffix = "_FILE"
)

// readConfig reads the environment ("NAME=value" strings) into a Config. An
// empty variable counts as an unset one, which is what a compose file makes of
// an absent value; the allow-lists are the exception. It reports unknown names,
// values of the wrong form and secret files that cannot be read; resolve judges
// what the values mean.
func readConfig(environ []string) (Config, *faults) {
	f := newFaults()
	set := ours(environ)
	rules := readRules(set, f)
	numbered := takeNumbered(set, f)
	refuseUnknown(set, variables(), f)
	refuseEmptyAllowLists(set, f)
	refuseEmptyDomains(set, f)
	dropEmpty(set)
	for n, own := range numbered {
		refuseEmptyDomains(own, f.of(numberedNames(n)))
		if dropEmpty(own); len(own) == 0 {
			delete(numbered, n)
		}
	}

	c := Config{Rules: rules, SecretFiles: make(map[string]string)}
	vars := siteVariables()
	maps.Copy(c.SecretFiles, readSecretFiles(set, vars, f))
	parseGroups(&c, set, vars, f)
	c.readProviders(set, numbered, f)
	return c, f
}

// ours returns the SALLYPORT_ variables; of a name given twice the last.
func ours(environ []string) map[string]string {
	set := make(map[string]string)
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && strings.HasPrefix(name, namePrefix) {
			set[name] = value
		}
	}
	return set
}

// refuseEmptyAllowLists keeps a template that came out empty from opening the
// app to everyone.
func refuseEmptyAllowLists(set map[string]string, f *faults) {
	for _, name := range []string{"SALLYPORT_ALLOWED_EMAILS", "SALLYPORT_ALLOWED_EMAIL_DOMAINS", "SALLYPORT_ALLOWED_GROUPS"} {
		if value, ok := set[name]; ok && value == "" {
			f.unreadable(name, "is set but empty, which would let everyone in", "list who may pass, or remove the variable to let everyone in")
		}
	}
}

// readSecretFiles puts the content of each NAME_FILE under NAME and returns the
// paths by NAME.
func readSecretFiles(set map[string]string, vars []variable, f *faults) map[string]string {
	files := make(map[string]string)
	for _, v := range vars {
		path, ok := set[v.Name+fileSuffix]
		if !v.Secret || !ok {
			continue
		}
		if _, both := set[v.Name]; both {
			f.unreadable(v.Name, "is set and so is "+v.Name+fileSuffix, "remove one of the two")
			continue
		}
		value, err := readSecretFile(path)
		if err != nil {
			f.add(v.Name+fileSuffix, "cannot be read: "+err.Error(), "name a file that this process may read")
			f.breaks(v.Name)
			continue
		}
		if value == "" {
			f.add(v.Name+fileSuffix, fmt.Sprintf("names the file %s, which is empty", path), "write the secret into it")
			f.breaks(v.Name)
			continue
		}
		set[v.Name], files[v.Name] = value, path
	}
	return files
}

// maxSecretFile is more than any secret needs, in bytes.
const maxSecretFile = 64 << 10

// readSecretFile returns the content of a file without one trailing newline.
func readSecretFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("reading secret file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("reading secret file: %s is not a regular file", path)
	}
	if info.Size() > maxSecretFile {
		return "", fmt.Errorf("reading secret file: %s has more than %d bytes", path, maxSecretFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading secret file: %w", err)
	}
	text := strings.TrimSuffix(string(b), "\n")
	return strings.TrimSuffix(text, "\r"), nil
}

// parseGroups fills the struct of groups that is pointed to, whose variables vars
// are. Each group is parsed by itself, because a parse error names the Go field only,
// which is unique within its group.
func parseGroups(pointer any, set map[string]string, vars []variable, f *faults) {
	groups := reflect.ValueOf(pointer).Elem()
	for g := range groups.NumField() {
		if _, ok := groups.Type().Field(g).Tag.Lookup("section"); !ok {
			continue
		}
		err := env.ParseWithOptions(groups.Field(g).Addr().Interface(), env.Options{
			Environment: set,
			FuncMap:     parsers(),
		})
		noteParseErrors(err, g, vars, f)
	}
}

func noteParseErrors(err error, group int, vars []variable, f *faults) {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return
	}
	for _, one := range all.Errors {
		var parse env.ParseError
		if !errors.As(one, &parse) {
			f.errs = append(f.errs, one)
			continue
		}
		for _, v := range vars {
			if v.group != group || v.field != parse.Name {
				continue
			}
			var bad *badValueError
			if !errors.As(parse.Err, &bad) {
				bad = &badValueError{Problem: "cannot be read", Remedy: "see sallyport config"}
			}
			f.unreadable(v.Name, bad.Problem, bad.Remedy)
		}
	}
}

// badValueError is a value of the wrong form.
type badValueError struct{ Problem, Remedy string }

// Error implements error.
func (e *badValueError) Error() string { return e.Problem + "; " + e.Remedy }

// parsers read the types of Config's fields with messages of our own.
func parsers() map[reflect.Type]env.ParserFunc {
	return map[reflect.Type]env.ParserFunc{
		reflect.TypeFor[bool]():          parseBool,
		reflect.TypeFor[int]():           parseInt,
		reflect.TypeFor[time.Duration](): parseDuration,
		reflect.TypeFor[[]string]():      parseList,
		reflect.TypeFor[date]():          parseDate,
	}
}

func parseBool(v string) (any, error) {
	b, err := strconv.ParseBool(v)
	if err != nil {
		return nil, &badValueError{fmt.Sprintf("is %q, neither true nor false", v), "write true or false"}
	}
	return b, nil
}

func parseInt(v string) (any, error) {
	n, err := strconv.Atoi(v)
	if err != nil {
		return nil, &badValueError{fmt.Sprintf("is %q, not a whole number", v), "write digits alone"}
	}
	return n, nil
}

func parseDuration(v string) (any, error) {
	d, err := time.ParseDuration(v)
	if err != nil {
		return nil, &badValueError{fmt.Sprintf("is %q, not a duration", v), "write a number and a unit, such as 90s, 15m or 12h"}
	}
	return d, nil
}

// parseList reads a comma-separated list; white space around entries is not
// part of them. An empty entry is a slip that could hide a bigger one.
func parseList(v string) (any, error) {
	entries := strings.Split(v, ",")
	for i, e := range entries {
		entries[i] = strings.TrimSpace(e)
		if entries[i] == "" {
			return nil, &badValueError{fmt.Sprintf("has an empty entry at position %d", i+1), "separate entries by single commas"}
		}
	}
	return entries, nil
}

// date is a time without the methods of time.Time, of which the parser would use
// UnmarshalText and accept no day alone. The zero value is none.
type date time.Time

// Equal compares like time.Time's.
func (d date) Equal(other date) bool { return time.Time(d).Equal(time.Time(other)) }

// parseDate reads a day, which begins at midnight UTC, or a time.
func parseDate(v string) (any, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, v); err == nil {
			return date(at), nil
		}
	}
	return nil, &badValueError{fmt.Sprintf("is %q, not a date", v), "write it as 2030-01-31, or with a time as 2030-01-31T12:00:00Z"}
}
