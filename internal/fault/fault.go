// Package fault holds the only error text that a browser may see.
//
// Each fault has a stable code, one plain sentence, a hint that says what to do
// next, and a heading in docs/errors.md. The cause is for the operator's log
// alone: no page and no JSON body shows it.
//
// # Trust
//
// Nothing in this package comes from a request. A caller that puts request or
// IdP text into Detail or Hint would break that promise; nobody does.
package fault

import (
	"errors"
	"time"
)

// Code names a fault for machines: the Sallyport-Error header, the "code" of a
// problem+json body, logs, metrics and docs/errors.md.
type Code string

// Header is the field that carries the code in every answer of ours to a failure,
// and tells it from one of the app's.
const Header = "Sallyport-Error"

// Error is a failure that a person or a client of ours may be told of.
type Error struct {
	Code   Code
	Status int    // HTTP status of the answer
	Title  string // a few words: the page's heading and the problem's title
	Detail string // one plain sentence: what happened
	Hint   string // what the reader can do next

	// RetryAfter, when above zero, becomes the Retry-After header in whole
	// seconds.
	RetryAfter time.Duration

	// RetryURL, when set, is a path of ours that a "Try again" button leads to.
	RetryURL string

	// Cause is for the operator's log. It is never shown.
	Cause error
}

// New returns the catalogue's fault of that code with the operator's cause.
// An unknown code is answered by the catalogue's internal_error, so that a
// mistake of ours never shows an empty page.
func New(code Code, cause error) *Error {
	e, ok := catalogue[code]
	if !ok {
		e = catalogue[Internal]
		code = Internal
	}
	e.Code, e.Cause = code, cause
	return &e
}

// Of returns the fault in err's chain, or an internal_error that wraps err.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return New(Internal, err)
}

// Error implements error: the code and the cause, for logs.
func (e *Error) Error() string {
	if e.Cause == nil {
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Codes returns every code of the catalogue, in no particular order.
func Codes() []Code {
	codes := make([]Code, 0, len(catalogue))
	for c := range catalogue {
		codes = append(codes, c)
	}
	return codes
}
