package proxy

import (
	"log/slog"
	"net/http"

	"github.com/sallyport/sallyport/internal/reqid"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// maxValue is the longest identity field in bytes. Many servers refuse a request
// whose fields exceed 8 KiB together, and a person in thousands of groups would
// be locked out by it.
const maxValue = 8 << 10

// The fields that we set. Each is in its canonical spelling, so that they can be
// assigned without http.Header.Set.
const (
	headerUser              = "X-Forwarded-User"
	headerEmail             = "X-Forwarded-Email"
	headerPreferredUsername = "X-Forwarded-Preferred-Username"
	headerGroups            = "X-Forwarded-Groups"
	headerAccessToken       = "X-Forwarded-Access-Token"
	headerIDToken           = "X-Forwarded-Id-Token"
	headerGroupsOmitted     = "X-Sallyport-Groups-Omitted"
	headerAuthorization     = "Authorization"
)

// identityNames are the fields of an identity.
type identityNames struct {
	user, email, preferredUsername, groups, accessToken, idToken string
}

var (
	// forwardedNames are those of requests to the app.
	forwardedNames = identityNames{
		headerUser, headerEmail, headerPreferredUsername, headerGroups, headerAccessToken, headerIDToken,
	}
	// askedNames are those of answers to a proxy that asks.
	askedNames = identityNames{
		"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Preferred-Username",
		"X-Auth-Request-Groups", "X-Auth-Request-Access-Token", "X-Auth-Request-Id-Token",
	}
)

// teller tells who sent a request (contract §4).
type teller struct {
	names         identityNames
	accessToken   bool
	idToken       bool
	authorization Authorization
	basic         basic
	claims        ClaimHeaders
	encoding      HeaderEncoding
	assert        *asserter // nil = no assertion is sent
	log           *slog.Logger
}

func newTeller(cfg *Config, assert *asserter, names identityNames) teller {
	return teller{
		names: names, accessToken: cfg.PassAccessToken, idToken: cfg.PassIDToken,
		authorization: cfg.PassAuthorization, basic: newBasic(cfg), claims: cfg.ClaimHeaders, encoding: cfg.HeaderEncoding,
		assert: assert, log: cfg.Logger,
	}
}

// replacesAuthorization reports whether the Authorization field is ours to set.
func (t *teller) replacesAuthorization() bool {
	return t.authorization != "" && t.authorization != AuthorizationClient
}

// tell sets the identity of s. A claim that is absent has no field; one whose
// text could not stand in a header is left out and logged, because a request
// that is served without it is better than a person who is locked out.
func (t *teller) tell(h http.Header, x *exchange, s *session.Session) {
	id := &s.Identity
	t.claim(h, x, t.names.user, id.User)
	t.claim(h, x, t.names.email, id.Email)
	t.claim(h, x, t.names.preferredUsername, id.Name)
	t.groups(h, x, id.Groups)
	t.more(h, x, id)
	if t.assert != nil {
		if text := t.assert.of(x, s); text != "" {
			h[headerAssertion] = x.value(text)
		}
	}
	accessToken := t.goodAccessToken(x, s)
	if t.accessToken && !accessToken.IsEmpty() {
		h[t.names.accessToken] = x.value(accessToken.Reveal())
	}
	if t.idToken && !s.Grant.IDToken.IsEmpty() {
		h[t.names.idToken] = x.value(s.Grant.IDToken.Reveal())
	}
	switch t.authorization {
	case AuthorizationIDToken:
		t.bearer(h, x, s.Grant.IDToken)
	case AuthorizationAccessToken:
		t.bearer(h, x, accessToken)
	case AuthorizationBasic:
		h[headerAuthorization] = x.value(t.basic.field(id))
	}
}

func (t *teller) bearer(h http.Header, x *exchange, token secret.Text) {
	if !token.IsEmpty() {
		h[headerAuthorization] = x.value("Bearer " + token.Reveal())
	}
}

// goodAccessToken is the access token, unless it has expired: during an outage of
// the provider the person stays signed in, and the app must not take a dead token
// for a good one.
func (t *teller) goodAccessToken(x *exchange, s *session.Session) secret.Text {
	if !t.accessToken && t.authorization != AuthorizationAccessToken || s.GrantExpired(x.site.now()) {
		return secret.Text{}
	}
	return s.Grant.AccessToken
}

func (t *teller) claim(h http.Header, x *exchange, name, value string) {
	if value == "" {
		return
	}
	text, ok := t.encoding.text(value)
	if !ok {
		t.omitted(x, name)
		return
	}
	h[name] = x.value(text)
}

// groups tells the groups completely or not at all: an app that refuses by group must
// not see a list from which one is missing. headerGroupsOmitted says that there were
// some.
func (t *teller) groups(h http.Header, x *exchange, groups []string) {
	text, ok := t.encoding.list(groups)
	switch {
	case !ok:
		t.omitGroups(h, x)
	case text != "":
		h[t.names.groups] = x.value(text)
	}
}

func (t *teller) omitGroups(h http.Header, x *exchange) {
	h[headerGroupsOmitted] = x.value("true")
	t.omitted(x, t.names.groups)
}

// omitted names the field and the session, never the value: it is the person's
// and may be meant to forge lines of a log.
func (t *teller) omitted(x *exchange, name string) {
	t.log.Warn("identity field left out: the claim holds a control character, is not UTF-8, or is longer than 8 KiB; choose another claim with SALLYPORT_CLAIM_* or correct it at the identity provider",
		"header", name, "session", x.sessionTag(), "request_id", reqid.From(x.in.Context()))
}
