package oidcrp

import "slices"

// GenericPreset is the preset of a provider about which nothing is known.
const GenericPreset = "generic"

// Preset is what is known of one provider: a value of SALLYPORT_OIDC_PROVIDER. It
// decides nothing by itself: each of its Defaults holds only while its variable is
// not set, and the rest is text for people.
type Preset struct {
	Name  string // also the label of the provider in logs, metrics and sessions
	Title string // what the product is called

	// Defaults are values of SALLYPORT_ variables, written as in an environment.
	Defaults map[string]string

	// IssuerForm is what an issuer looks like here; "" = like any other.
	IssuerForm string
	// IssuerEnd is how every issuer ends that the preset is for; "" = nobody knows.
	// sallyport check warns of another.
	IssuerEnd string
	// BareDomain allows an issuer that is a domain alone, or that ends with a
	// slash: consoles of this provider show the domain and not the issuer.
	BareDomain bool
	// SharedTenants are the path segments of an issuer that stand for any tenant.
	// The first is where the metadata of an issuer with {tenantid} are.
	SharedTenants []string
	// DiscoveryForm, when there is one, says that the metadata are never below the
	// issuer, so that SALLYPORT_OIDC_DISCOVERY_URL must be set, and looks like this.
	DiscoveryForm string
	// HostedDomains says that SALLYPORT_OIDC_HOSTED_DOMAINS must be set, because
	// strangers have accounts at this provider, too.
	HostedDomains bool
	// LogoutFallback is a template like SALLYPORT_OIDC_LOGOUT_URL for when neither
	// that nor the metadata name a sign-out.
	LogoutFallback string

	Remedies Remedies
	Console  Console
	// Advice is what an operator should know beforehand; sallyport check prints it.
	Advice []string
}

// Remedies say what to do at the provider, or with which variable, when a sign-in
// fails. They go into the log, each at the end of its fault's cause; "" adds
// nothing.
type Remedies struct {
	Issuer     string // the metadata state another issuer
	SigningAlg string // the ID token is signed with another algorithm
	Email      string // there is no e-mail address
	Unverified string // there is one, and it is not verified
	Groups     string // the provider left groups out
}

// Console says in the provider's own words where our addresses are entered there.
type Console struct {
	Page string // where the fields are
	// The labels of the fields; "" means that there is none. Login is the address
	// where a sign-in begins that the provider's own start page causes.
	Redirect, PostLogout, BackChannel, FrontChannel, Login string
	// Steps are what else is to be set. {client_id}, {client_auth} and {scopes}
	// stand for the effective values.
	Steps []string
}

// FindPreset returns the preset of that name.
func FindPreset(name string) (Preset, bool) {
	for _, p := range presets() {
		if p.Name == name {
			return p, true
		}
	}
	return Preset{}, false
}

// PresetNames lists the values of SALLYPORT_OIDC_PROVIDER.
func PresetNames() []string {
	var names []string
	for _, p := range presets() {
		names = append(names, p.Name)
	}
	return names
}

func presets() []Preset {
	return slices.Concat(
		[]Preset{{Name: GenericPreset, Title: "any OpenID provider", Console: genericConsole()}},
		microsoftPresets(), hostedPresets(), selfHostedPresets(),
	)
}

func genericConsole() Console {
	return Console{
		Page:     "the client's settings",
		Redirect: "redirect_uris", PostLogout: "post_logout_redirect_uris",
		BackChannel: "backchannel_logout_uri", FrontChannel: "frontchannel_logout_uri", Login: "initiate_login_uri",
		Steps: []string{
			"grant_types: authorization_code and refresh_token; response_types: code",
			"token_endpoint_auth_method: {client_auth}",
			"scopes: {scopes}",
		},
	}
}
