package proxy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// BasicUser says which part of an identity is the user name of AuthorizationBasic.
type BasicUser string

// The values of SALLYPORT_BASIC_USER. "" means BasicUserUser.
const (
	BasicUserUser  BasicUser = "user"  // as in X-Forwarded-User
	BasicUserEmail BasicUser = "email" // as in X-Forwarded-Email
	BasicUserName  BasicUser = "name"  // as in X-Forwarded-Preferred-Username
)

// maxBasicUser leaves room for a password in a field of maxValue, in bytes.
const maxBasicUser = 4 << 10

// CheckBasicPassword says what is wrong with a password for AuthorizationBasic
// (RFC 7617 §2). The error holds nothing of it.
func CheckBasicPassword(password string) error {
	switch {
	case password == "":
		return errors.New("is empty")
	case len(password) > maxValue/4:
		return fmt.Errorf("has more than %d bytes", maxValue/4)
	case !utf8.ValidString(password) || strings.ContainsFunc(password, isControl):
		return errors.New("has a control character or is not UTF-8, which Basic cannot carry")
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || 0x7f <= r && r <= 0x9f }

// basic makes the Authorization field of apps that know nothing but RFC 7617. The zero
// value makes none.
type basic struct {
	user     BasicUser
	password func() secret.Text // nil = Authorization is not AuthorizationBasic
}

func newBasic(cfg *Config) basic {
	if cfg.PassAuthorization != AuthorizationBasic {
		return basic{}
	}
	return basic{user: cfg.BasicUser, password: cfg.BasicPassword}
}

func (b basic) userOf(id *session.Identity) string {
	switch b.user {
	case BasicUserEmail:
		return id.Email
	case BasicUserName:
		return id.Name
	default:
		return id.User
	}
}

// refusal says why Basic cannot tell the app who id is; nil = it can, or need not. A
// user name ends at the first colon, so that one with a colon in it would be another
// person's, and the app would ask the browser for a password if it were left out.
func (b basic) refusal(id *session.Identity) *fault.Error {
	if b.password == nil {
		return nil
	}
	user, why := b.userOf(id), ""
	switch {
	case user == "":
		why = "is absent"
	case len(user) > maxBasicUser:
		why = "is longer than 4 KiB"
	case strings.Contains(user, ":"):
		why = "has a colon"
	case !printable(user):
		why = "has a control or invisible character or is not UTF-8"
	default:
		return nil
	}
	return fault.New(fault.UserNameUnfit, errors.New("the claim of SALLYPORT_BASIC_USER "+why+", so that it cannot be a user name of Basic (RFC 7617); choose another with SALLYPORT_BASIC_USER or the SALLYPORT_CLAIM_ variable behind it"))
}

// field is the Authorization field for somebody whom refusal lets pass.
func (b basic) field(id *session.Identity) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(b.userOf(id)+":"+b.password().Reveal()))
}
