package pages

import "github.com/sallyport/sallyport/internal/fault"

const problemType = "application/problem+json"

// problem is a fault for programs: RFC 9457, with code, hint, login_url and
// request_id as extension members.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Code      string `json:"code"`
	Hint      string `json:"hint,omitempty"`
	LoginURL  string `json:"login_url,omitempty"` // of sign_in_required
	RequestID string `json:"request_id,omitempty"`
}

// problemOf leaves out e.Cause: it is for the log alone.
func problemOf(e *fault.Error, requestID string) problem {
	p := problem{
		Type:      "urn:sallyport:error:" + string(e.Code),
		Title:     e.Title,
		Status:    e.Status,
		Detail:    e.Detail,
		Code:      string(e.Code),
		Hint:      e.Hint,
		RequestID: requestID,
	}
	if e.Code == fault.SignInRequired || e.Code == fault.StepUpRequired {
		p.LoginURL = e.RetryURL
	}
	return p
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
