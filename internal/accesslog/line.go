package accesslog

import (
	"strconv"
	"time"
)

// A line is written by appending to a buffer of its goroutine's: Begin, its fields, End.
// Keys need no escaping: they are letters and underscores.

// Begin appends time, level and message. The level is always INFO.
func (l *Log) Begin(dst []byte, at time.Time, message string) []byte {
	if l.text {
		dst = append(dst, "time="...)
		// Three digits after the second, whatever they are.
		dst = at.Truncate(time.Millisecond).AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
		dst = append(dst, " level=INFO"...)
	} else {
		dst = append(dst, `{"time":"`...)
		dst = at.AppendFormat(dst, time.RFC3339Nano)
		dst = append(dst, `","level":"INFO"`...)
	}
	return l.String(dst, "msg", message)
}

// String appends a field.
func (l *Log) String(dst []byte, key, value string) []byte {
	dst = l.key(dst, key)
	switch {
	case !l.text:
		dst = append(dst, '"')
		dst = appendJSON(dst, value)
		return append(dst, '"')
	case needsQuotes(value):
		return strconv.AppendQuote(dst, value)
	}
	return append(dst, value...)
}

// Int appends a field.
func (l *Log) Int(dst []byte, key string, value int64) []byte {
	return strconv.AppendInt(l.key(dst, key), value, 10)
}

// Milliseconds appends a field, a duration in milliseconds, cut to microseconds.
func (l *Log) Milliseconds(dst []byte, key string, d time.Duration) []byte {
	format := byte('f') // is encoding/json's for a number like these
	if l.text {
		format = 'g'
	}
	return strconv.AppendFloat(l.key(dst, key), float64(d.Microseconds())/1000, format, -1, 64)
}

// End has the line written. The buffer may be used again.
func (l *Log) End(line []byte) {
	if !l.text {
		line = append(line, '}')
	}
	l.add(append(line, '\n'))
}

func (l *Log) key(dst []byte, key string) []byte {
	if l.text {
		dst = append(append(dst, ' '), key...)
		return append(dst, '=')
	}
	dst = append(append(dst, `,"`...), key...)
	return append(dst, `":`...)
}
