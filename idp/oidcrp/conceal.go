package oidcrp

import (
	"encoding/json"
	"net/url"
	"strings"
)

// shortestSecret is how long a text must be to be concealed, in bytes: a shorter
// one is no secret, and may be part of any word.
const shortestSecret = 8

// conceal takes secrets that we sent out of the error of an answer (RFC 6749
// §5.2), which the log repeats: some providers quote the code, the verifier, the
// refresh token or the client secret that they refuse. It looks at the text and
// not at the JSON around it, where "/" may be written as "\/". An answer without
// an error comes back as it is, for nothing of it is ever logged.
func (c *Client) conceal(body []byte, sent ...string) []byte {
	o, err := parseObject(body)
	if err != nil || !o.has("error") {
		return body
	}
	current, previous := c.secrets.read()
	sent = append(sent, current.Reveal(), previous.Reveal())
	var pairs []string
	for _, s := range sent {
		if len(s) < shortestSecret {
			continue
		}
		for _, spelling := range [...]string{s, url.QueryEscape(s), url.PathEscape(s)} {
			pairs = append(pairs, spelling, "[concealed]")
		}
	}
	replacer := strings.NewReplacer(pairs...)
	for _, name := range [...]string{"error", "error_description"} {
		if text, ok := o.text(name); ok {
			o[name], _ = json.Marshal(replacer.Replace(text)) // a string can always be written
		}
	}
	concealed, err := json.Marshal(o)
	if err != nil {
		return nil // not reached: o was read from JSON
	}
	return concealed
}
