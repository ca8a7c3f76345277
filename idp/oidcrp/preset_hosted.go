package oidcrp

// hostedPresets are identity services that somebody else runs.
func hostedPresets() []Preset {
	return []Preset{
		{
			Name: "auth0", Title: "Auth0",
			Defaults:   map[string]string{"SALLYPORT_CLAIM_NAME": "nickname"},
			IssuerForm: "https://TENANT.REGION.auth0.com/",
			// Tenants from before November 2023 do not name their sign-out.
			LogoutFallback: "{provider}/v2/logout?client_id={client_id}&returnTo={post_logout_redirect_uri}",
			Remedies: Remedies{
				SigningAlg: `in Auth0, Applications → your application → Settings → Advanced Settings → OAuth, set "JsonWebToken Signature Algorithm" to RS256`,
				Groups:     "an Action has to add groups to the ID token under a namespaced name, such as https://app.example.com/groups, which SALLYPORT_CLAIM_GROUPS then names",
			},
			Console: Console{
				Page:     "Applications → Applications → your application (Regular Web Application) → Settings",
				Redirect: "Allowed Callback URLs", PostLogout: "Allowed Logout URLs", BackChannel: "Back-Channel Logout URI", Login: "Application Login URI",
				Steps: []string{
					"Credentials → Authentication Method: {client_auth}",
					`Advanced Settings → OAuth → JsonWebToken Signature Algorithm: RS256`,
					`Tenant Settings → Advanced → "RP-Initiated Logout End Session Endpoint Discovery": on (tenants from before November 2023)`,
				},
			},
			Advice: []string{
				"the issuer ends with a slash: https://TENANT.REGION.auth0.com/",
				"a refresh token of offline_access outlives the person's session at Auth0; one of online_access ends with it",
			},
		},
		{
			Name: "google", Title: "Google",
			Defaults: map[string]string{
				"SALLYPORT_OIDC_ISSUER":        "https://accounts.google.com",
				"SALLYPORT_OIDC_REFRESH_BOUND": "no",
				"SALLYPORT_OIDC_USERINFO":      "never", // it says nothing that the ID token does not
				"SALLYPORT_CLAIM_NAME":         "name",
				"SALLYPORT_EMAIL_VERIFIED":     "require",
			},
			HostedDomains: true,
			Remedies: Remedies{
				Groups: "Google states no groups in tokens; use SALLYPORT_ALLOWED_EMAILS, or a provider between the two that asks the Directory API",
			},
			Console: Console{
				Page:     "Google Cloud console → Google Auth Platform → Clients → Create client → Web application",
				Redirect: "Authorized redirect URIs",
				Steps: []string{
					"Authorized JavaScript origins: none",
					"Audience → User type: Internal (your Workspace alone)",
				},
			},
			Advice: []string{
				"Google has no sign-out for applications: a sign-out is local, and the next sign-in asks which account",
				"the scope offline_access is an error at Google, and tokens name no groups",
				"SALLYPORT_OIDC_HOSTED_DOMAINS makes sure of the Workspace; a personal account can have an address of the company",
			},
		},
		{
			Name: "okta", Title: "Okta",
			IssuerForm: "TENANT.okta.com",
			Defaults: map[string]string{
				"SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE": "endpoint",
				"SALLYPORT_OIDC_REFRESH_BOUND":             "no",
				"SALLYPORT_OIDC_LOGOUT_HINT":               "fresh",
				"SALLYPORT_GROUPS_LIMIT":                   "100", // the groups claim is cut there without a word
			},
			BareDomain: true,
			Remedies: Remedies{
				Groups: "in Okta, let the filter of the groups claim match only the groups that this application needs, so that nobody has 100",
			},
			Console: Console{
				Page:     "Applications → Applications → Create App Integration → OIDC, Web Application → General",
				Redirect: "Sign-in redirect URIs", PostLogout: "Sign-out redirect URIs", FrontChannel: "Logout request URL (Single Logout)", Login: "Initiate login URI",
				Steps: []string{
					"Grant type: Authorization Code (Refresh Token only with offline_access in SALLYPORT_OIDC_SCOPES)",
					"Client authentication: Client secret",
					"Assignments: the people and groups who may use the application",
					`Sign On → OpenID Connect ID Token → Groups claim filter: groups, and add the scope groups to SALLYPORT_OIDC_SCOPES`,
				},
			},
			Advice: []string{
				"a person with 100 groups or more counts as having none, because Okta cuts the list there",
				"a sign-out at Okta needs an ID token that has not expired, of one hour by default: with offline_access in SALLYPORT_OIDC_SCOPES it can be renewed for that, without, a later sign-out stays local",
			},
		},
		{
			Name: "onelogin", Title: "OneLogin",
			IssuerForm: "https://TENANT.onelogin.com/oidc/2",
			Defaults:   map[string]string{"SALLYPORT_OIDC_SCOPES": "openid,profile,email,groups"},
			Console: Console{
				Page:     "Applications → your OpenID Connect app → Configuration",
				Redirect: "Redirect URIs", PostLogout: "Post Logout Redirect URIs", Login: "Login Url",
				Steps: []string{
					"SSO → Application Type: Web; Token Endpoint → Authentication Method: {client_auth}",
					"SSO → Token Timeout settings → Refresh Token Timeout: set it, else there are no refresh tokens",
					"Parameters → Groups: the groups or roles to send",
				},
			},
			Advice: []string{
				"refresh tokens come only when Refresh Token Timeout is set; a sign-out at OneLogin ends them, an idle session there may not (not confirmed)",
			},
		},
		{
			Name: "jumpcloud", Title: "JumpCloud",
			Defaults: map[string]string{
				"SALLYPORT_OIDC_ISSUER":        "https://oauth.id.jumpcloud.com/",
				"SALLYPORT_OIDC_REFRESH_BOUND": "no", // not confirmed; the careful reading
				"SALLYPORT_CLAIM_GROUPS":       "member_of",
			},
			Console: Console{
				Page:     "SSO Applications → your custom OIDC application → SSO",
				Redirect: "Redirect URIs", Login: "Login URL",
				Steps: []string{
					"Client Authentication Type: {client_auth}",
					"Attribute Mapping: Standard Scopes Email and Profile; Group Attributes: include, name member_of",
					"User Groups: who may use the application",
				},
			},
			Advice: []string{
				"the issuer is the same for all customers of JumpCloud; the client id is what makes it yours",
			},
		},
		{
			Name: "cognito", Title: "Amazon Cognito",
			IssuerForm: "https://cognito-idp.REGION.amazonaws.com/POOL-ID",
			Defaults: map[string]string{
				"SALLYPORT_OIDC_REFRESH_BOUND": "no",
				"SALLYPORT_OIDC_USERINFO":      "never", // the ID token of Cognito is complete
				// What its metadata name takes no parameters of OpenID Connect.
				"SALLYPORT_OIDC_LOGOUT_URL": "{provider}/logout?client_id={client_id}&logout_uri={post_logout_redirect_uri}",
				"SALLYPORT_CLAIM_GROUPS":    "cognito:groups",
				"SALLYPORT_CLAIM_NAME":      "cognito:username",
			},
			Console: Console{
				Page:     "Amazon Cognito → User pools → your pool → App clients → your client → Login pages",
				Redirect: "Allowed callback URLs", PostLogout: "Allowed sign-out URLs",
				Steps: []string{
					"OAuth grant types: Authorization code grant",
					"OpenID Connect scopes: OpenID, Email, Profile",
				},
			},
			Advice: []string{
				"signing out ends the session of the hosted pages, not tokens and not the session at a provider behind Cognito; no state comes back, so that an rd of /logout is lost",
			},
		},
		{
			Name: "ping", Title: "PingOne or PingFederate",
			IssuerForm: "https://auth.pingone.com/ENVIRONMENT-ID/as",
			Console: Console{
				Page:     "Applications → Applications → your OIDC Web App → Configuration",
				Redirect: "Redirect URIs", PostLogout: "Signoff URLs", Login: "Initiate Login URI",
				Steps: []string{
					"Grant Type: Authorization Code and Refresh Token; PKCE Enforcement: S256_REQUIRED",
					"Token Endpoint Authentication Method: {client_auth}",
					"Resources → Scopes: {scopes}",
				},
			},
			Advice: []string{
				"PingOne keeps ten sessions of a person at most; the eleventh ends the first, and its session here with it",
			},
		},
		{
			Name: "totvs", Title: "TOTVS Identity (Fluig)",
			Console: genericConsole(),
			Advice: []string{
				"issuer, scopes, sign-out and refresh tokens of TOTVS Identity are not confirmed; the preset sets nothing, take the values from its metadata",
			},
		},
	}
}
