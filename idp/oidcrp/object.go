package oidcrp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// object is a JSON object whose members are looked up by their exact names.
// encoding/json, reading into a struct, also accepts "SUB" and even "ſub" for
// "sub", and of two members with one name the last; what we verify must not
// depend on such tolerance.
type object map[string]json.RawMessage

// parseObject reads one JSON object in valid UTF-8 and nothing after it. A member
// that occurs twice is an error. The error holds nothing of the input but its
// offsets.
func parseObject(data []byte) (object, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	o := object{}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("malformed JSON near byte %d", dec.InputOffset())
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("malformed JSON near byte %d", dec.InputOffset())
		}
		if _, twice := o[name]; twice {
			return nil, fmt.Errorf("the member %q occurs twice", loggable(name))
		}
		o[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("the JSON object is cut short")
	}
	if dec.More() || len(bytes.TrimSpace(data[dec.InputOffset():])) > 0 {
		return nil, errors.New("text follows the JSON object")
	}
	return o, nil
}

// has reports whether the member is there and not null.
func (o object) has(name string) bool {
	raw, ok := o[name]
	return ok && string(raw) != "null"
}

// text returns a member that is a string.
func (o object) text(name string) (string, bool) {
	return asString(o[name])
}

func asString(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	return s, json.Unmarshal(raw, &s) == nil
}

// strings returns a member that is an array of strings; ok is false for anything
// else, one element of another type included.
func (o object) strings(name string) (list []string, ok bool) {
	elements, ok := asArray(o[name])
	for _, e := range elements {
		s, isString := asString(e)
		if !isString {
			return nil, false
		}
		list = append(list, s)
	}
	return list, ok
}

func asArray(raw json.RawMessage) ([]json.RawMessage, bool) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil, false
	}
	var list []json.RawMessage
	return list, json.Unmarshal(raw, &list) == nil
}

// lastSecond is the largest time that a claim can name; anything above, up to
// 1e300, is taken for it.
const lastSecond = 253402300799 // 9999-12-31T23:59:59Z

// time returns a member that is a NumericDate (RFC 7519 §2): a JSON number of
// seconds, fractions allowed, clamped to the years 1970 to 9999.
func (o object) time(name string) (time.Time, error) {
	raw := o[name]
	if !o.has(name) {
		return time.Time{}, fmt.Errorf("it has no claim %s", name)
	}
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return time.Time{}, fmt.Errorf("the claim %s is not a number", name)
	}
	// Out of range is ±Inf and gets clamped like any other number.
	seconds, _ := strconv.ParseFloat(string(raw), 64)
	seconds = math.Min(math.Max(seconds, 0), lastSecond)
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), nil
}
