package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/sallyport/sallyport/session"
)

// maxRevocation bounds the body of POST /sessions/revoke, in bytes; a real one has
// some sixty.
const maxRevocation = 1 << 10

// revocation says what is to be ended: one session, or all others.
type revocation struct {
	one    session.Handle
	others bool
}

// readRevocation reads a form with "session" or "others=true", or the JSON object
// with the same members.
func readRevocation(w http.ResponseWriter, r *http.Request) (revocation, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRevocation))
	if err != nil {
		return revocation{}, errors.New("the body is too large or was cut short")
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return revocation{}, errors.New("the Content-Type is missing or malformed")
	}
	switch mediaType {
	case "application/json":
		return parseRevocationJSON(body)
	case "application/x-www-form-urlencoded":
		return parseRevocationForm(string(body))
	}
	return revocation{}, fmt.Errorf("a body of type %.100q; it must be a form or JSON", mediaType)
}

func parseRevocationJSON(body []byte) (revocation, error) {
	var members struct {
		Session *string `json:"session"`
		Others  *bool   `json:"others"`
	}
	if err := json.Unmarshal(body, &members); err != nil {
		return revocation{}, errors.New("the body is no JSON object of the expected members")
	}
	switch {
	case members.Session != nil && members.Others == nil:
		return revokeOne(*members.Session)
	case members.Session == nil && members.Others != nil && *members.Others:
		return revocation{others: true}, nil
	}
	return revocation{}, errWhichSession
}

func parseRevocationForm(body string) (revocation, error) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return revocation{}, errors.New("the form is malformed")
	}
	one, others := form["session"], form["others"]
	switch {
	case len(one) == 1 && len(others) == 0:
		return revokeOne(one[0])
	case len(one) == 0 && len(others) == 1 && others[0] == "true":
		return revocation{others: true}, nil
	}
	return revocation{}, errWhichSession
}

var errWhichSession = errors.New(`the body names not exactly one of "session", an id of the list, and "others", true`)

func revokeOne(id string) (revocation, error) {
	h, err := session.ParseHandle(id)
	if err != nil {
		return revocation{}, errors.New("the id is not one of the list")
	}
	return revocation{one: h}, nil
}
