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

// checkJOSEHeader looks at what is in front of the signature: three segments of
// base64url, and a header (RFC 7515 §4) that names an accepted algorithm and
// nothing that we do not understand. It returns the payload's bytes, which mean
// nothing before the signature is verified.
//
// go-jose would accept more: other serialisations, members that occur twice, and
// any typ, so that a logout token or an access token could pass for an ID token
// (RFC 8725 §3.11).
func checkJOSEHeader(jwt string, algs []string) error {
	if len(jwt) > maxIDToken {
		return fmt.Errorf("it has %d bytes, at most %d are accepted", len(jwt), maxIDToken)
	}
	if strings.Count(jwt, ".") != 2 {
		return errors.New("it is not a compact signed JWT of three segments")
	}
	encoded, _, _ := strings.Cut(jwt, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return errors.New("its header is not base64url")
	}
	h, err := parseObject(raw)
	if err != nil {
		return fmt.Errorf("its header: %w", err)
	}
	for _, name := range []string{"crit", "b64", "zip"} {
		if _, ok := h[name]; ok {
			return fmt.Errorf("its header has %q, which changes how a token is read and is not supported", name)
		}
	}
	if _, there := h["typ"]; there {
		if typ, ok := h.text("typ"); !ok || !strings.EqualFold(typ, "JWT") {
			return fmt.Errorf("its type is %q, not JWT: it was made for another purpose", loggable(typ))
		}
	}
	if _, there := h["kid"]; there {
		if _, ok := h.text("kid"); !ok {
			return errors.New("the kid in its header is not a string")
		}
	}
	alg, _ := h.text("alg")
	if !slices.Contains(algs, alg) {
		return fmt.Errorf("%w: it is signed with %q and SALLYPORT_OIDC_SIGNING_ALGS accepts %s; let the provider sign for this client with one of them", errOtherAlgorithm, loggable(alg), strings.Join(algs, ", "))
	}
	return nil
}
