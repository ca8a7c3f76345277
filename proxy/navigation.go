package proxy

import (
	"net/http"

	"github.com/sallyport/sallyport/proxy/pages"
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
	if len(h["Upgrade"]) > 0 || pages.IsPrefetch(h) {
		return false
	}
	mode, dest := first(h["Sec-Fetch-Mode"]), first(h["Sec-Fetch-Dest"])
	if mode != "" || dest != "" {
		return mode == "navigate" && dest == "document"
	}
	return first(h["X-Requested-With"]) == "" && pages.PrefersHTML(h)
}

// first is the first of a field's values, "" when there is none.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
