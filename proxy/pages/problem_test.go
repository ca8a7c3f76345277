package pages

import (
	"encoding/json"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
)

// problem is what appendProblem writes.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Code      string `json:"code"`
	Hint      string `json:"hint,omitempty"`
	LoginURL  string `json:"login_url,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

func problemOf(e *fault.Error, requestID string) problem {
	p := problem{
		Type: "urn:sallyport:error:" + string(e.Code), Title: e.Title, Status: e.Status, Detail: e.Detail,
		Code: string(e.Code), Hint: e.Hint, RequestID: requestID,
	}
	if e.Code == fault.SignInRequired || e.Code == fault.StepUpRequired {
		p.LoginURL = e.RetryURL
	}
	return p
}

// checkProblem compares with encoding/json.
func checkProblem(t *testing.T, e *fault.Error, requestID string) {
	t.Helper()
	want, err := json.Marshal(problemOf(e, requestID))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(appendProblem(nil, e, requestID)); got != string(want)+"\n" {
		t.Errorf("%s:\n got %swant %s", e.Code, got, want)
	}
}

func TestProblemIsValidJSON(t *testing.T) {
	for _, code := range fault.Codes() {
		for _, text := range []string{"", "/oauth2/login?acr=a&rd=%2F", "</script>", "\"\\\n\x00\x7f", "ü\u2028\xff", "a<b", "a>b", "a&b"} {
			e := fault.New(code, nil)
			e.RetryURL = text
			checkProblem(t, e, "4QXN7SGZ3MHVJX5LQ2C6TB7RAA")
			e.Hint = text
			checkProblem(t, e, text)
		}
	}
}

func FuzzProblem(f *testing.F) {
	f.Add("a<b", "\u2029\xff")
	f.Fuzz(func(t *testing.T, hint, id string) {
		e := fault.New(fault.SignInRequired, nil)
		e.Hint, e.RetryURL = hint, hint
		checkProblem(t, e, id)
	})
}
