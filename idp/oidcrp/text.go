package oidcrp

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLogged bounds text of others in our log, in bytes.
const maxLogged = 300

// loggable makes foreign text fit for a log line: valid UTF-8, without what could
// forge lines or drive a terminal, and short.
func loggable(s string) string {
	short := s
	if len(short) > maxLogged {
		short = short[:maxLogged] + "…"
	}
	return strings.Map(func(r rune) rune {
		if invisible(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, short)
}

// invisible reports whether r is a control or format character or separates
// lines: nothing that belongs into a name.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

func escapeQuery(s string) string { return url.QueryEscape(s) }
