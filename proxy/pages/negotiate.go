package pages

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// PrefersHTML reports whether a request's Accept (RFC 9110 §12.5.1) asks for HTML
// rather than JSON. HTML has to be named, as text/html, application/xhtml+xml or
// text/*: no Accept and "*/*" are what programs send. At equal weight the more
// exact range wins, and then JSON.
func PrefersHTML(h http.Header) bool {
	accept := h["Accept"]
	if !slices.ContainsFunc(accept, func(line string) bool { return strings.ContainsAny(line, "xX") }) {
		return false // each name of HTML has one, and what most programs send has none
	}
	html, json := match{}, match{}
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			mediaRange, q := parseRange(item)
			html = html.better(match{specificity(mediaRange, "text/html", "application/xhtml+xml"), q})
			json = json.better(match{specificity(mediaRange, "application/json", "application/problem+json"), q})
		}
	}
	switch {
	case html.specificity <= anything || html.q == 0:
		return false
	case html.q != json.q:
		return html.q > json.q
	}
	return html.specificity > json.specificity
}

// How exactly a media range names a type.
const (
	nothing = iota
	anything
	anySubtype
	exactly
)

// TakesPage reports whether an answer to a request is for a person to read: it asks for
// HTML, and neither is it a script's, which can act on problem+json alone, nor is it a
// prefetch. Fetch Metadata tell, or X-Requested-With where there are none; some browsers
// within apps send that with navigations, too.
func TakesPage(h http.Header) bool {
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" || mode == "" && h.Get("X-Requested-With") != "" || IsPrefetch(h) {
		return false
	}
	return PrefersHTML(h)
}

// IsPrefetch reports whether a browser asks for what a person may want to see later.
func IsPrefetch(h http.Header) bool {
	return strings.Contains(strings.ToLower(h.Get("Sec-Purpose")), "prefetch")
}

// match is how well an answer's type fits Accept so far.
type match struct {
	specificity int
	q           float64
}

// better keeps the weight of the most exact range, as RFC 9110 says, and of
// equally exact ones the higher.
func (m match) better(n match) match {
	if n.specificity > m.specificity || n.specificity == m.specificity && n.q > m.q {
		return n
	}
	return m
}

func specificity(mediaRange string, types ...string) int {
	best := nothing
	for _, t := range types {
		major, _, _ := strings.Cut(t, "/")
		switch mediaRange {
		case t:
			best = max(best, exactly)
		case major + "/*":
			best = max(best, anySubtype)
		case "*/*":
			best = max(best, anything)
		}
	}
	return best
}

// parseRange reads one item of Accept. A weight that is not a number from 0 to 1
// counts as 0, so that a malformed item never wins.
func parseRange(item string) (mediaRange string, q float64) {
	mediaRange, params, _ := strings.Cut(item, ";")
	q = 1
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		parsed, err := strconv.ParseFloat(value, 64)
		if err != nil || !(parsed >= 0 && parsed <= 1) {
			parsed = 0
		}
		q = parsed
	}
	return strings.ToLower(strings.TrimSpace(mediaRange)), q
}
