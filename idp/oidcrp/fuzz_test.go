package oidcrp

import (
	"encoding/json"
	"testing"
	"time"
)

func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"sub":"a"}`, `{"a":1,"a":2}`, `{"ſub":"x"}`, `{"a":{"b":[1,null]}} `, `[]`, `{"a":`, "{\"\xff\":1}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseObject(data)
		if err != nil {
			return
		}
		var reference map[string]json.RawMessage
		if err := json.Unmarshal(data, &reference); err != nil {
			t.Fatalf("accepts what encoding/json refuses: %v", err)
		}
		if len(reference) != len(o) {
			t.Fatalf("%d members, encoding/json sees %d", len(o), len(reference))
		}
		for _, name := range []string{"sub", "exp", "aud", "groups"} {
			_, _ = o.text(name)
			_, _ = o.time(name)
			_, _ = o.strings(name)
			_ = o.lookup(name + ".x")
		}
	})
}

func FuzzTokenResponse(f *testing.F) {
	f.Add([]byte(`{"access_token":"a","token_type":"Bearer","expires_in":300,"id_token":"x.y.z"}`))
	f.Add([]byte(`{"error":"invalid_grant"}`))
	f.Add([]byte(`{"expires_in":"1e400"}`))
	now := time.Unix(1_800_000_000, 0)
	f.Fuzz(func(t *testing.T, data []byte) {
		tokens, err := readTokens(data, now)
		if err != nil {
			return
		}
		if tokens.accessToken.IsEmpty() || tokens.idToken.IsEmpty() {
			t.Fatal("accepted without a token")
		}
		if !tokens.expiresAt.IsZero() && (tokens.expiresAt.Before(now) || tokens.expiresAt.After(now.Add(maxTokenLife))) {
			t.Fatalf("expires at %v", tokens.expiresAt)
		}
	})
}

func FuzzAuthorizationResponse(f *testing.F) {
	state := newState(stateFirst)
	f.Add("state=" + state + "&code=c")
	f.Add("state=" + state + "&error=access_denied&iss=x")
	f.Add("state=a&state=b&code=c")
	f.Add("%zz;=&&&")
	f.Fuzz(func(t *testing.T, query string) {
		resp, err := parseAuthorizationResponse(query)
		if err != nil {
			return
		}
		if kind, ok := parseState(resp.state); !ok || kind == stateLogout {
			t.Fatalf("accepted the state %q", resp.state)
		}
		if len(resp.code) > maxCode {
			t.Fatal("accepted a code over the limit")
		}
		if resp.code == "" {
			_ = resp.failure()
		}
	})
}

func FuzzJOSEHeader(f *testing.F) {
	f.Add("eyJhbGciOiJSUzI1NiJ9.e30.AA")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, jwt string) { _ = checkJOSEHeader(jwt, signingAlgs[:]) })
}
