// Package secret holds text that must never be printed.
//
// # Trust
//
// A Text protects against accidents (a %+v, a JSON body, a log attribute), not
// against code that calls Reveal and prints the answer.
package secret

import "log/slog"

const redacted = "[redacted]"

// Text is a string that prints as "[redacted]" through fmt, encoding/json and
// log/slog. The zero value is the empty secret and prints as "". It is
// immutable and safe for concurrent use. Two of them cannot be compared with ==;
// compare what Reveal returns.
type Text struct {
	_ [0]func() // == would compare addresses

	// A pointer, because fmt may not call the methods below on an unexported
	// field of somebody's struct: there it prints what it finds, and this is an
	// address.
	value *string
}

// New makes a Text of s.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{value: &s}
}

// Reveal returns the secret itself; call it only where it goes onto the wire
// or into a cipher.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsEmpty reports whether there is no secret.
func (t Text) IsEmpty() bool { return t.value == nil }

// String implements fmt.Stringer.
func (t Text) String() string {
	if t.IsEmpty() {
		return ""
	}
	return redacted
}

// GoString implements fmt.GoStringer, for %#v.
func (t Text) GoString() string { return t.String() }

// LogValue implements slog.LogValuer.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText implements encoding.TextMarshaler, and so encoding/json.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler, so that configuration can
// be read straight into a Text.
func (t *Text) UnmarshalText(b []byte) error {
	*t = New(string(b))
	return nil
}
