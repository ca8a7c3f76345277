package proxy

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/proxy/policy"
)

// signInPath is the address of the sign-in that a decision asks for.
func signInPath(loginPath string, d Decision) string {
	q := url.Values{}
	if asked := d.StepUp; asked != nil {
		if len(asked.ACR) > 0 {
			q.Set("acr", strings.Join(asked.ACR, " "))
		}
		if asked.MaxAge != nil {
			q.Set("max_age", seconds32(*asked.MaxAge))
		}
	}
	if d.IdP != "" {
		q.Set("idp", d.IdP)
	}
	if len(q) == 0 {
		return loginPath
	}
	return loginPath + "?" + q.Encode()
}

// stepUpChallenge says in the WWW-Authenticate field which sign-in is asked for, by
// the parameters of RFC 9470 §3.
func stepUpChallenge(challenge string, asked *policy.StepUp) string {
	challenge += `, error="insufficient_user_authentication"`
	if len(asked.ACR) > 0 {
		challenge += `, acr_values="` + strings.Join(asked.ACR, " ") + `"`
	}
	if asked.MaxAge != nil {
		challenge += `, max_age="` + seconds32(*asked.MaxAge) + `"`
	}
	return challenge
}

func seconds32(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
