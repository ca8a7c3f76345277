package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

// resolve judges everything that concerns one provider alone. The messages speak of
// variables without a number; f gives them their names.
func (p *provider) resolve(f *faults) {
	requireValues(p.values(), map[string]string{issuerVariable: p.preset.IssuerForm}, f)
	checkWords(p.values(), f)
	p.resolveIssuer(f)
	o := p.OIDC
	p.checkIssuer(f)
	if o.DiscoveryURL != "" {
		p.checkURL(discoveryVariable, o.DiscoveryURL, f)
	}
	if o.LogoutURL != "" && o.LogoutURL != logoutDiscovered && o.LogoutURL != oidcrp.LogoutNone {
		p.checkLogoutTemplate(o.LogoutURL, f)
	}
	p.resolveCredentials(f)
	p.resolveScopes(f)
	checkAlgorithms(o.SigningAlgs, f)
	positive(f, "SALLYPORT_OIDC_TIMEOUT", o.Timeout)
	if p.Claims.GroupsLimit < 0 {
		f.add("SALLYPORT_GROUPS_LIMIT", fmt.Sprintf("is %d", p.Claims.GroupsLimit), "give the number of groups that the provider states at most, or 0")
	}
	p.idpCA = readPool("SALLYPORT_OIDC_CA_FILE", o.CAFile, f)
	p.checkIgnored(f)
	p.resolveRequest(f)
	p.checkBinding(f)
}

func (p *provider) checkIssuer(f *faults) {
	const name = "SALLYPORT_OIDC_ISSUER"
	if u := p.checkURL(name, p.OIDC.Issuer, f); u != nil && (u.RawQuery != "" || u.ForceQuery) {
		f.add(name, fmt.Sprintf("is %q, which has a query", p.OIDC.Issuer), "copy the issuer from the provider's metadata; an address of metadata belongs in SALLYPORT_OIDC_DISCOVERY_URL")
	}
	if strings.Contains(p.OIDC.Issuer, "/.well-known/") {
		f.add(name, "is the address of the metadata", "set the issuer that the metadata states; an unusual address of metadata belongs in SALLYPORT_OIDC_DISCOVERY_URL")
	}
}

// checkURL refuses what tokens must not be fetched from.
func (p *provider) checkURL(name, raw string, f *faults) *url.URL {
	u, err := parseHTTPURL(raw)
	switch {
	case err != nil:
		f.add(name, err.Error(), "copy the URL from the provider, such as https://idp.example.com")
	case u.Scheme == "http" && !isLoopback(u.Hostname()) && !p.site.Network.InsecureHTTP:
		f.add(name, "is http:// on a host that is not loopback", "use https://, or set SALLYPORT_INSECURE_HTTP=true and accept that anyone on the way can sign in as anyone")
	}
	return u
}

// logoutDiscovered takes back the template of a preset.
const logoutDiscovered = "discovered"

// signOut returns the template and the fallback of oidcrp.Config.
func (p *provider) signOut() (template, fallback string) {
	switch p.OIDC.LogoutURL {
	case "":
		return "", p.preset.LogoutFallback
	case logoutDiscovered:
		return "", ""
	}
	return p.OIDC.LogoutURL, ""
}

// signsOut reports whether people can be signed out at a provider whose metadata
// name that end_session_endpoint.
func (p *provider) signsOut(endSession string) bool {
	template, fallback := p.signOut()
	switch template {
	case "":
		return endSession != "" || fallback != ""
	case oidcrp.LogoutNone:
		return false
	}
	return true
}

// logoutPlaceholders are the values that SALLYPORT_OIDC_LOGOUT_URL can hold.
var logoutPlaceholders = []string{"{client_id}", "{post_logout_redirect_uri}", "{id_token}", "{state}"}

func (p *provider) checkLogoutTemplate(template string, f *faults) {
	const name = "SALLYPORT_OIDC_LOGOUT_URL"
	plain := template
	if rest, ok := strings.CutPrefix(template, "{provider}/"); ok {
		plain = "https://idp.example.com/" + rest
		template = plain
	}
	for _, placeholder := range logoutPlaceholders {
		plain = strings.ReplaceAll(plain, placeholder, "x")
	}
	if strings.ContainsAny(plain, "{}") {
		f.add(name, "has an unknown placeholder", "use "+alternatives(logoutPlaceholders))
		return
	}
	if before, _, _ := strings.Cut(template, "?"); strings.ContainsAny(before, "{}") {
		f.add(name, "has a placeholder before the query", "placeholders stand in the values of query parameters")
		return
	}
	p.checkURL(name, plain, f)
}

func (p *provider) resolveScopes(f *faults) {
	const name = "SALLYPORT_OIDC_SCOPES"
	p.OIDC.Scopes = slices.Clone(p.OIDC.Scopes)
	for i, scope := range p.OIDC.Scopes {
		if scope == "{client_id}" && p.OIDC.ClientID != "" {
			scope = p.OIDC.ClientID
			p.OIDC.Scopes[i] = scope
		}
		// RFC 6749 §3.3: scope-token
		if strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			f.add(name, fmt.Sprintf("has the entry %q", scope), "separate scopes by commas, such as openid,profile,email")
		}
	}
	if !slices.Contains(p.OIDC.Scopes, "openid") {
		f.add(name, "does not contain openid, without which there is no ID token", "add openid")
	}
}

// signingAlgorithms are the asymmetric ones of RFC 7518 §3.1.
var signingAlgorithms = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"}

func checkAlgorithms(algorithms []string, f *faults) {
	const name = "SALLYPORT_OIDC_SIGNING_ALGS"
	for _, alg := range algorithms {
		switch {
		case slices.Contains(signingAlgorithms, alg):
		case strings.EqualFold(alg, "none"):
			f.add(name, "contains none, with which anyone could write an ID token", "list asymmetric algorithms such as RS256")
		case strings.HasPrefix(strings.ToUpper(alg), "HS"):
			f.add(name, fmt.Sprintf("contains %s, whose key is the client secret, so that whoever knows it could sign in as anyone", alg), "set the client to an asymmetric algorithm such as RS256 at the provider")
		default:
			f.add(name, fmt.Sprintf("contains %q", alg), "use "+alternatives(signingAlgorithms))
		}
	}
}

// ownParameters are set by Sallyport itself; changing them would undo what
// protects a sign-in.
var ownParameters = []string{
	"state", "nonce", "client_id", "client_secret", "client_assertion", "client_assertion_type", "redirect_uri", "response_type", "response_mode", "scope",
	"code_challenge", "code_challenge_method", "request", "request_uri", "id_token_hint",
}

// namedParameters have a variable of their own.
var namedParameters = map[string]string{
	"prompt": "SALLYPORT_OIDC_PROMPT", "acr_values": "SALLYPORT_OIDC_ACR_VALUES", "max_age": "SALLYPORT_OIDC_MAX_AGE",
	"ui_locales": "SALLYPORT_OIDC_UI_LOCALES", "resource": "SALLYPORT_OIDC_RESOURCE",
}

func (p *provider) resolveRequest(f *faults) {
	r := p.Request
	if slices.Contains(r.Prompt, "none") && len(r.Prompt) > 1 {
		f.add("SALLYPORT_OIDC_PROMPT", "combines none with another value, which no provider accepts", "remove none")
	}
	if r.MaxAge != nil && (*r.MaxAge < 0 || *r.MaxAge%time.Second != 0) {
		f.add("SALLYPORT_OIDC_MAX_AGE", fmt.Sprintf("is %s", *r.MaxAge), "give whole seconds of 0s or more")
	}
	for _, resource := range r.Resource {
		if u, err := url.Parse(resource); err != nil || !u.IsAbs() || strings.Contains(resource, "#") {
			f.add("SALLYPORT_OIDC_RESOURCE", fmt.Sprintf("has the entry %q", resource), "list absolute URIs without a fragment (RFC 8707)")
		}
	}
	for name, words := range map[string][]string{"SALLYPORT_OIDC_ACR_VALUES": r.ACRValues, "SALLYPORT_OIDC_UI_LOCALES": r.UILocales} {
		for _, w := range words {
			if strings.ContainsAny(w, " \t") {
				f.add(name, fmt.Sprintf("has the entry %q", w), "separate values by commas")
			}
		}
	}
	p.resolveExtraParams(f)
	p.resolveDomains()
}

func (p *provider) resolveExtraParams(f *faults) {
	const name = extraParamsVariable
	p.extraParams = make(url.Values)
	for _, pair := range p.Request.ExtraParams {
		key, value, ok := strings.Cut(pair, "=")
		key, keyErr := url.QueryUnescape(key)
		value, valueErr := url.QueryUnescape(value)
		switch {
		case !ok || key == "" || keyErr != nil || valueErr != nil:
			f.add(name, fmt.Sprintf("has the entry %q", pair), "write name=value pairs, with % escapes as in a query")
		case slices.Contains(ownParameters, strings.ToLower(key)):
			f.add(name, "sets "+key+", which Sallyport sets itself", "remove it")
		case namedParameters[strings.ToLower(key)] != "":
			f.add(name, "sets "+key+", which has a variable of its own", "set "+namedParameters[strings.ToLower(key)])
		default:
			p.extraParams.Add(key, value)
		}
	}
}
