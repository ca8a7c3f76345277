package proxy

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/proxy/pages"
)

const (
	// maxForm bounds the body of a form that is kept, in bytes.
	maxForm = 1 << 20
	// maxFormFields bounds the number of its fields: each becomes an element of a page.
	maxFormFields = 2000
	// maxSealedForm bounds a sealed form that comes back, in base64url.
	maxSealedForm = 2 << 20
)

// errUnkeepable says that a form cannot be sent again exactly as it was.
var errUnkeepable = errors.New("the form cannot be sent again as it was")

// isFormNavigation reports whether a request is a form that a person sent on a page
// of this very origin: what another site made the browser send is never kept. A
// browser says so in Fetch Metadata, or at least in Origin.
func isFormNavigation(r *http.Request) bool {
	h := r.Header
	if r.Method != http.MethodPost || len(h["Content-Encoding"]) > 0 || h.Get("X-Requested-With") != "" || !pages.PrefersHTML(h) {
		return false
	}
	types := h["Content-Type"]
	if len(types) != 1 {
		return false
	}
	mediaType, parameters, err := mime.ParseMediaType(types[0])
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return false
	}
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return false
	}
	if h.Get("Sec-Fetch-Site") == "" && h.Get("Origin") == "" {
		return false
	}
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" && (mode != "navigate" || h.Get("Sec-Fetch-Dest") != "document") {
		return false
	}
	return http.NewCrossOriginProtection().Check(r) == nil && h.Get("Origin") != "null"
}

// readForm reads the body of a form that is to be kept. The error is errUnkeepable,
// or that of the client's connection.
func readForm(r *http.Request) (string, error) {
	if r.ContentLength > maxForm {
		return "", errUnkeepable
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return "", err
	}
	if len(body) > maxForm {
		return "", errUnkeepable
	}
	_, err = parseForm(string(body))
	return string(body), err
}

// parseForm is the parser of application/x-www-form-urlencoded (URL Standard §5.1),
// which keeps the fields in their order, for what a hidden field can carry, so that what is sent again is what was sent.
func parseForm(body string) ([]pages.Field, error) {
	var fields []pages.Field
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		n, err := url.QueryUnescape(name)
		if err != nil {
			return nil, errUnkeepable
		}
		v, err := url.QueryUnescape(value)
		if err != nil || !carries(n) || !carries(v) || len(fields) == maxFormFields {
			return nil, errUnkeepable
		}
		if strings.EqualFold(n, "_charset_") && v != "UTF-8" {
			return nil, errUnkeepable // browsers fill that one in themselves
		}
		fields = append(fields, pages.Field{Name: n, Value: v})
	}
	return fields, nil
}

// carries reports whether a hidden field keeps a text as it is: UTF-8 without NUL,
// its line ends as browsers send them.
func carries(text string) bool {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return false
	}
	rest := strings.ReplaceAll(text, "\r\n", "")
	return !strings.ContainsAny(rest, "\r\n")
}
