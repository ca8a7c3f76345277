package oidcrp

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
)

func TestConceal(t *testing.T) {
	const sent = "4/0AbCd+ef=="
	tests := []struct{ name, body, want string }{
		{"as it is", `{"error":"e","error_description":"no 4/0AbCd+ef== here"}`, "no [concealed] here"},
		{"slashes escaped", `{"error":"e","error_description":"no 4\/0AbCd+ef== here"}`, "no [concealed] here"},
		{"all escaped", `{"error":"e","error_description":"no \u0034\u002f0AbCd\u002bef== here"}`, "no [concealed] here"},
		{"for a query", `{"error":"e","error_description":"code=4%2F0AbCd%2Bef%3D%3D&x"}`, "code=[concealed]&x"},
		{"twice", `{"error":"e","error_description":"4/0AbCd+ef== 4/0AbCd+ef=="}`, "[concealed] [concealed]"},
		{"the client secret", `{"error":"e","error_description":"not ` + testSecret + `"}`, "not [concealed]"},
		{"nothing of ours", `{"error":"e","error_description":"AADSTS70008: expired"}`, "AADSTS70008: expired"},
	}
	c := &Client{secrets: &clientSecrets{current: func() secret.Text { return secret.New(testSecret) }}}
	for _, tt := range tests {
		t.Run("OP-08 "+tt.name, func(t *testing.T) {
			o, err := parseObject(c.conceal([]byte(tt.body), sent, ""))
			must(t, err)
			if got, _ := o.text("error_description"); got != tt.want {
				t.Errorf("= %q, want %q", got, tt.want)
			}
		})
	}
}

// What an answer means stays the same, whatever word a code happens to be: once the
// bytes of the answer were replaced, and a code "error" hid the error.
func TestConcealKeepsTheMeaning(t *testing.T) {
	c := &Client{secrets: &clientSecrets{}} // a public client has no secret
	for _, code := range []string{"error", "e", `"`, "{", "invalid", ":", "grant"} {
		a := &answer{status: 400, body: c.conceal([]byte(`{"error":"invalid_grant"}`), code)}
		if got := c.tokenFailure(a).Code; got != fault.CodeRejected {
			t.Errorf("the code %q makes invalid_grant %s", code, got)
		}
	}
	success := []byte(`{"access_token":"` + testAccessToken + `","token_type":"Bearer" }`)
	if got := c.conceal(success, testAccessToken); !bytes.Equal(got, success) {
		t.Errorf("an answer that is no error becomes %s", got)
	}
}

func FuzzConceal(f *testing.F) {
	f.Add([]byte(`{"error":"invalid_grant","error_description":"4\/canary"}`), "4/canary")
	f.Add([]byte(`{"error":{"x":1},"error_description":5,"id_token":"canary-1"}`), "canary-1")
	c := &Client{secrets: &clientSecrets{}}
	f.Fuzz(func(t *testing.T, body []byte, sent string) {
		before, err := parseObject(body)
		concealed := c.conceal(body, sent)
		if err != nil || !before.has("error") {
			if !bytes.Equal(concealed, body) {
				t.Fatalf("%q becomes %q", body, concealed)
			}
			return
		}
		after, err := parseObject(concealed)
		if err != nil || len(after) != len(before) {
			t.Fatalf("%q becomes %q, %v", body, concealed, err)
		}
		if len(sent) < shortestSecret || strings.ContainsAny(sent, "[]") || strings.Contains("[concealed]", sent) {
			return
		}
		for _, name := range []string{"error", "error_description"} {
			if text, _ := after.text(name); strings.Contains(text, sent) {
				t.Fatalf("%s of %q still has %q", name, concealed, sent)
			}
		}
	})
}
