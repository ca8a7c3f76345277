package proxy

import (
	"errors"
	"net/http"

	"github.com/sallyport/sallyport/session"
)

// isPreflight reports whether a request is a CORS preflight (Fetch Standard §3.2.2):
// a browser asks without cookies whether a script of another origin may send what it
// is about to. It has no body and no effect.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.ContentLength == 0 && len(r.TransferEncoding) == 0 &&
		len(r.Header["Origin"]) == 1 && len(r.Header["Access-Control-Request-Method"]) == 1
}

// isNoSession tells a request without a session from a store that could not say.
func isNoSession(err error) bool {
	_, ok := errors.AsType[*session.NoSessionError](err)
	return ok
}
