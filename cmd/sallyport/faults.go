package main

import "errors"

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
	errs []error
	// broken are the variables that could not even be read: what else would be
	// said of their zero values is noise.
	broken map[string]bool
}

func newFaults() *faults { return &faults{broken: make(map[string]bool)} }

// add notes a fault of a variable, unless it could not be read at all.
func (f *faults) add(name, problem, remedy string) {
	if !f.broken[name] {
		f.errs = append(f.errs, &configError{Variable: name, Message: name + " " + problem + "; " + remedy})
	}
}

// unreadable notes that a variable could not be read.
func (f *faults) unreadable(name, problem, remedy string) {
	f.add(name, problem, remedy)
	f.broken[name] = true
}

// adopt notes an error of a package whose errors name variable and remedy
// themselves.
func (f *faults) adopt(name string, err error) {
	for _, e := range flatten(err) {
		if !f.broken[name] {
			f.errs = append(f.errs, &configError{Variable: name, Message: e.Error()})
		}
	}
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
