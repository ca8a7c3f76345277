package oidcrp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxIDToken bounds an ID token, in bytes, before anything looks into it.
const maxIDToken = 64 << 10

// errOtherAlgorithm is a signature that may be right and is not accepted.
var errOtherAlgorithm = errors.New("another algorithm")

// The types (RFC 7515 §4.1.9) that a token may state, if it states one.
var (
	idTokenTypes = [...]string{"JWT"}
	// Back-Channel Logout 1.0 §2.4 recommends the first, which RFC 7515 lets
	// nobody write in full, and some do; older providers state JWT.
	logoutTokenTypes = [...]string{"logout+jwt", "application/logout+jwt", "JWT"}
)

// checkJOSEHeader looks at what is in front of the signature: three segments of
// base64url, and a header (RFC 7515 §4) that names an accepted algorithm, which it
// returns, and nothing that we do not understand, and one of the types if it names one.
//
// go-jose would accept more: other serialisations, members that occur twice, and
// any typ, so that a logout token or an access token could pass for an ID token
// (RFC 8725 §3.11).
func checkJOSEHeader(jwt string, types, algs []string) (alg string, _ error) {
	if len(jwt) > maxIDToken {
		return "", fmt.Errorf("it has %d bytes, at most %d are accepted", len(jwt), maxIDToken)
	}
	if strings.Count(jwt, ".") != 2 {
		return "", errors.New("it is not a compact signed JWT of three segments")
	}
	encoded, _, _ := strings.Cut(jwt, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return "", errors.New("its header is not base64url")
	}
	h, err := parseObject(raw)
	if err != nil {
		return "", fmt.Errorf("its header: %w", err)
	}
	for _, name := range []string{"crit", "b64", "zip"} {
		if _, ok := h[name]; ok {
			return "", fmt.Errorf("its header has %q, which changes how a token is read and is not supported", name)
		}
	}
	if _, there := h["typ"]; there {
		typ, ok := h.text("typ")
		if !ok || !slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, typ) }) {
			return "", fmt.Errorf("its type is %q, not %s: it was made for another purpose", loggable(typ), types[0])
		}
	}
	if _, there := h["kid"]; there {
		if _, ok := h.text("kid"); !ok {
			return "", errors.New("the kid in its header is not a string")
		}
	}
	alg, _ = h.text("alg")
	if !slices.Contains(algs, alg) {
		return "", fmt.Errorf("%w: it is signed with %q and SALLYPORT_OIDC_SIGNING_ALGS accepts %s; let the provider sign for this client with one of them", errOtherAlgorithm, loggable(alg), strings.Join(algs, ", "))
	}
	return alg, nil
}
