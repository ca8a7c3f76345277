package idp

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/reqid"
)

// hasMethod answers a method that an endpoint does not have. HEAD is not GET here: most
// of our endpoints do something.
func (s *Providers) hasMethod(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	NoStore(w)
	w.Header().Set("Allow", strings.Join(methods, ", "))
	s.cfg.Pages.Fault(w, r, fault.New(fault.MethodNotAllowed, nil))
	return false
}

// Redirect leads the browser on. After a POST it says 303, so that the browser
// does not post again. http.Redirect would rewrite paths.
func Redirect(w http.ResponseWriter, r *http.Request, location string) {
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	NoStore(w)
	w.Header().Set("Location", location)
	w.WriteHeader(status)
}

// NoStore keeps an answer out of every cache.
func NoStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }

func requestID(r *http.Request) slog.Attr {
	return slog.String("request_id", reqid.From(r.Context()))
}
