package proxy

import (
	"net/http"
	"strconv"
	"strings"
)

// IsNavigation reports whether a person caused the request, so that a redirect
// to a sign-in leads somewhere (contract §3): GET or HEAD, and either Fetch
// Metadata that says "navigate" to a "document", or, from browsers without it,
// an Accept that prefers HTML and no X-Requested-With. A prefetch is never one,
// nor is a request to upgrade the connection.
func IsNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	h := r.Header
	if len(h["Upgrade"]) > 0 || strings.Contains(strings.ToLower(h.Get("Sec-Purpose")), "prefetch") {
		return false
	}
	mode, dest := h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-Dest")
	if mode != "" || dest != "" {
		return mode == "navigate" && dest == "document"
	}
	return h.Get("X-Requested-With") == "" && prefersHTML(h["Accept"])
}

// prefersHTML reports whether HTML is named, by more than a wildcard, and no
// JSON is liked as much (RFC 9110 §12.5.1).
func prefersHTML(accept []string) bool {
	html, json := 0.0, 0.0
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			media, parameters, _ := strings.Cut(item, ";")
			media = strings.ToLower(strings.TrimSpace(media))
			switch {
			case media == "text/html" || media == "application/xhtml+xml":
				html = max(html, quality(parameters))
			case media == "application/json" || strings.HasSuffix(media, "+json"):
				json = max(json, quality(parameters))
			}
		}
	}
	return html > json
}

// quality returns the weight of a media range; one that cannot be read is 0.
func quality(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
