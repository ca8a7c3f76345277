package main

import (
	"errors"
	"slices"
)

// configError is a wrong or missing variable. Its text names the variable, what
// is wrong and the remedy, and never contains a secret.
type configError struct {
	Variable string
	Message  string
}

// Error implements error.
func (e *configError) Error() string { return e.Message }

// faults collects every configuration error, so that all are shown at once.
type faults struct {
	*collectedFaults
	names names // of the provider that is judged
}

// collectedFaults are the faults of everything.
type collectedFaults struct {
	errs []error
	// broken are the variables that could not even be read: what else would be
	// said of their zero values is noise.
	broken map[string]bool
}

func newFaults() *faults {
	return &faults{collectedFaults: &collectedFaults{broken: make(map[string]bool)}}
}

// of collects in the same place and calls the variables what that provider's are
// called, in whatever is said.
func (f *faults) of(n names) *faults { return &faults{f.collectedFaults, n} }

// add notes a fault of a variable, unless it could not be read at all.
func (f *faults) add(name, problem, remedy string) {
	f.note(name, name+" "+problem+"; "+remedy)
}

// unreadable notes that a variable could not be read.
func (f *faults) unreadable(name, problem, remedy string) {
	f.add(name, problem, remedy)
	f.breaks(name)
}

// breaks says that a variable could not be read, of which something has been said
// already.
func (f *faults) breaks(name string) { f.broken[f.names.of(name)] = true }

// isBroken reports whether a variable could not be read.
func (f *faults) isBroken(name string) bool { return f.broken[f.names.of(name)] }

// adopt notes an error of a package whose errors name variable and remedy
// themselves.
func (f *faults) adopt(name string, err error) {
	for _, e := range flatten(err) {
		f.note(name, e.Error())
	}
}

// note keeps a message, once: what all providers share is judged for each of them.
func (f *faults) note(name, message string) {
	if f.isBroken(name) {
		return
	}
	fault := configError{Variable: f.names.of(name), Message: f.names.in(message)}
	for _, e := range f.errs {
		if c, ok := errors.AsType[*configError](e); ok && *c == fault {
			return
		}
	}
	f.errs = append(f.errs, &fault)
}

// blames reports whether there is a fault of a variable already.
func (f *faults) blames(name string) bool {
	return slices.ContainsFunc(f.errs, func(e error) bool {
		c, ok := errors.AsType[*configError](e)
		return ok && c.Variable == f.names.of(name)
	})
}

// err joins all faults; nil when there are none.
func (f *faults) err() error { return errors.Join(f.errs...) }

// configErrors returns the configuration errors that err joins.
func configErrors(err error) []*configError {
	var all []*configError
	for _, e := range flatten(err) {
		if c, ok := errors.AsType[*configError](e); ok {
			all = append(all, c)
		}
	}
	return all
}

// flatten takes joined errors apart; nil gives none.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
