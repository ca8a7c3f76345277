package policy

import (
	"fmt"
	"strings"
)

// MethodPasses reports whether requests with that method pass at all: the registered
// ones (RFC 9110 §18.2 and the IANA registry) but CONNECT and TRACE. Methods are
// case-sensitive: an app that takes "get" for GET would be asked something else than
// the rules were.
func MethodPasses(method string) bool {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
		"ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE",
		"MKACTIVITY", "MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH",
		"PROPFIND", "PROPPATCH", "QUERY", "REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK",
		"UNLOCK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL":
		return true
	}
	return false
}

func parseMethod(entry string) (string, error) {
	switch {
	case MethodPasses(entry):
		return entry, nil
	case entry == "*":
		return "", fmt.Errorf("has the entry %q; leave the variable out to cover every method", entry)
	case MethodPasses(strings.ToUpper(entry)):
		return "", fmt.Errorf("has the entry %q; methods are case-sensitive, write %s", entry, strings.ToUpper(entry))
	}
	return "", fmt.Errorf("has the entry %q, a method that no request may have here; use registered ones such as GET, POST or DELETE", entry)
}
