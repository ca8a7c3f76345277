package oidcrp

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
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
	f.Add([]byte(`{"access_token":"a","token_type":"bearer"}`))
	f.Add([]byte(`{"error":"invalid_grant"}`))
	f.Add([]byte(`{"expires_in":"1e400"}`))
	now := time.Unix(1_800_000_000, 0)
	f.Fuzz(func(t *testing.T, data []byte) {
		tokens, err := (&Client{now: time.Now}).readTokens(data, now)
		if err != nil {
			return
		}
		if tokens.accessToken.IsEmpty() {
			t.Fatal("accepted without an access token")
		}
		if !tokens.expiresAt.IsZero() && (tokens.expiresAt.Before(now) || tokens.expiresAt.After(now.Add(maxTokenLife))) {
			t.Fatalf("expires at %v", tokens.expiresAt)
		}
	})
}

// Whatever is posted, no more than one token comes out of it, and whatever claims a
// token has, what it ends is named by a text and can be ended once.
func FuzzLogoutToken(f *testing.F) {
	f.Add("logout_token=a.b.c", []byte(`{"iss":"https://idp.example","aud":"rp1","iat":1800000000,"exp":1800000120,"jti":"1","sid":"s","events":{"`+logoutEvent+`":{}}}`))
	f.Add("logout_token=a&logout_token=b", []byte(`{"iss":"https://idp.example","aud":["rp1"],"iat":1.8e9,"exp":1e300,"jti":"1","sub":"a","events":{"`+logoutEvent+`":{"x":[]}}}`))
	f.Add("logout_token=%", []byte(`{"nonce":null,"events":[],"jti":7}`))
	now := time.Unix(1_800_000_030, 0)
	c := &Client{now: func() time.Time { return now }}
	c.cfg.Issuer, c.cfg.ClientID = "https://idp.example", testClient
	f.Fuzz(func(t *testing.T, form string, payload []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if token, err := readLogoutForm(httptest.NewRecorder(), r); err == nil && (token == "" || len(token) > maxLogoutRequest) {
			t.Fatalf("accepts a token of %d bytes", len(token))
		}
		claims, err := parseObject(payload)
		if err != nil {
			return
		}
		token, err := c.readLogoutToken(claims)
		if err != nil {
			return
		}
		if _, nonce := claims["nonce"]; nonce || token.jti == "" || token.sid == "" && token.subject == "" || token.issuer != c.cfg.Issuer {
			t.Fatalf("accepts %s as %+v", payload, token)
		}
	})
}

// Whatever a provider claims, what the app is told can be read and shows what it is.
func FuzzIdentity(f *testing.F) {
	for _, seed := range []string{
		`{"sub":"a","email":" a@x.org ","email_verified":"true","preferred_username":["ada"],"groups":{"b":1,"a":2}}`,
		`{"sub":"a","email":"a@b@c","groups":["x\u200by",5,null,"  z "],"auth_time":1e300,"amr":"pwd","hasgroups":true}`,
		`{"sub":"a","realm_access":{"roles":["r"]},"_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"file:///"}}}`,
	} {
		f.Add([]byte(seed), []byte(`{}`))
		f.Add([]byte(`{"sub":"a"}`), []byte(seed))
	}
	c := &Client{log: slog.New(slog.DiscardHandler)}
	c.cfg.Claims = ClaimNames{User: "sub", Email: "email", Name: "preferred_username", Groups: "groups"}
	c.cfg.EmailVerified = EmailAllowMissing
	f.Fuzz(func(t *testing.T, token, userinfo []byte) {
		claims, err := parseObject(token)
		if err != nil {
			return
		}
		info, err := parseObject(userinfo)
		if err != nil {
			info = nil
		}
		id, err := c.identityOf(t.Context(), claims, info)
		if err != nil {
			return
		}
		told := append([]string{id.User, id.Email, id.Name, id.SID, id.ACR}, append(id.Groups, id.AMR...)...)
		for _, s := range told {
			if strings.ContainsFunc(s, invisible) || strings.TrimSpace(s) != s || len(s) > maxClaim {
				t.Fatalf("the app is told %q", s)
			}
		}
		if slices.Contains(id.Groups, "") || id.Email != "" && strings.Count(id.Email, "@") != 1 {
			t.Fatalf("groups %q, address %q", id.Groups, id.Email)
		}
	})
}

// OP-14: no number in a claim leads outside the years that times can be counted in.
func FuzzNumericDate(f *testing.F) {
	for _, seed := range []string{"0", "-1", "2147483648", "9007199254740992", "1e300", "1e400", "-1e400", "1700000000.5", `"1"`, "null"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, number string) {
		o, err := parseObject([]byte(`{"exp":` + number + `}`))
		if err != nil {
			return
		}
		exp, err := o.time("exp")
		if err == nil && (exp.Unix() < 0 || exp.Unix() > lastSecond) {
			t.Fatalf("%s is %v", number, exp)
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
		if _, ok := parseState(resp.state); !ok {
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
	f.Fuzz(func(t *testing.T, jwt string) {
		alg, err := checkJOSEHeader(jwt, idTokenTypes[:], signingAlgs[:])
		if err == nil && !slices.Contains(signingAlgs[:], alg) {
			t.Errorf("the algorithm %q is accepted", alg)
		}
	})
}
