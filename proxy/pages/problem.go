package pages

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/fault"
)

const problemType = "application/problem+json"

// appendProblem appends a fault for programs: RFC 9457, with code, hint, login_url (of
// sign_in_required and step_up_required) and request_id as extension members. It leaves
// out e.Cause, which is for the log alone, and of what may be absent, the empty.
//
// Scripts without a session get nothing else, and often, so it is written without
// reflection.
func appendProblem(dst []byte, e *fault.Error, requestID string) []byte {
	dst = append(dst, `{"type":"urn:sallyport:error:`...)
	dst = append(dst, e.Code...) // letters and underscores
	dst = append(dst, `","title":`...)
	dst = appendText(dst, e.Title)
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(e.Status), 10)
	dst = appendMember(dst, `,"detail":`, e.Detail)
	dst = appendMember(dst, `,"code":`, string(e.Code))
	dst = appendMember(dst, `,"hint":`, e.Hint)
	if e.Code == fault.SignInRequired || e.Code == fault.StepUpRequired {
		dst = appendMember(dst, `,"login_url":`, e.RetryURL)
	}
	dst = appendMember(dst, `,"request_id":`, requestID)
	return append(dst, "}\n"...)
}

func appendMember(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return appendText(append(dst, key...), value)
}

// appendText appends s as encoding/json would: with "<" escaped, too, against sniffing.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // a string always encodes
			return append(dst, quoted...)
		}
	}
	dst = append(append(dst, '"'), s...)
	return append(dst, '"')
}

// signedOut is a completed sign-out for programs.
type signedOut struct {
	Code              string `json:"code"`
	Title             string `json:"title"`
	Detail            string `json:"detail"`
	Hint              string `json:"hint,omitempty"`
	LoginURL          string `json:"login_url"`
	IdPSessionRemains bool   `json:"idp_session_remains"`
	RequestID         string `json:"request_id,omitempty"`
}
