package oidcrp

// selfHostedPresets are providers that people run themselves, or could.
func selfHostedPresets() []Preset {
	return []Preset{
		{
			Name: "keycloak", Title: "Keycloak",
			IssuerForm: "https://HOST/realms/REALM",
			Remedies: Remedies{
				SigningAlg: `in Keycloak, set the client's Advanced → "ID token signature algorithm" to RS256`,
				Unverified: `in Keycloak, switch on "Email verified" of the user`,
			},
			Console: Console{
				Page:     "your realm → Clients → your client → Settings",
				Redirect: "Valid redirect URIs", PostLogout: "Valid post logout redirect URIs",
				BackChannel: "Backchannel logout URL", FrontChannel: "Front-channel logout URL", Login: "Home URL",
				Steps: []string{
					"Capability config: Client authentication on, Standard flow alone; Require PKCE on, PKCE Method S256",
					`Client scopes → dedicated scope → mapper "Group Membership": claim groups, Full group path off, Add to ID token on`,
				},
			},
			Advice: []string{
				"offline_access is not needed: without it refresh tokens end with the person's session, with it they do not",
			},
		},
		{
			Name: "dex", Title: "Dex",
			IssuerForm: "https://HOST/dex",
			Defaults:   map[string]string{"SALLYPORT_OIDC_SCOPES": "openid,profile,email,groups"},
			Console: Console{
				Page:     "staticClients of Dex's configuration",
				Redirect: "redirectURIs", PostLogout: "postLogoutRedirectURIs", BackChannel: "backchannelLogoutURI",
				Steps: []string{
					"id: {client_id}; secret: the value of SALLYPORT_OIDC_CLIENT_SECRET",
				},
			},
			Advice: []string{
				"refresh tokens need offline_access in SALLYPORT_OIDC_SCOPES; only those of a client with refreshTokenLifetime: session end with the person's session, and SALLYPORT_OIDC_REFRESH_BOUND=yes says so",
				"versions from before 2026 have no sign-out",
			},
		},
		{
			Name: "zitadel", Title: "Zitadel",
			IssuerForm: "https://TENANT.zitadel.cloud",
			Defaults: map[string]string{
				"SALLYPORT_OIDC_REFRESH_BOUND": "no",
				"SALLYPORT_CLAIM_GROUPS":       "urn:zitadel:iam:org:project:roles",
			},
			Console: Console{
				Page:     "your project → your Web application → Redirect Settings",
				Redirect: "Redirect URIs", PostLogout: "Post Logout URIs", BackChannel: "Back-Channel Logout URI",
				Steps: []string{
					"Authentication Method: {client_auth}",
					"Grant Types: Authorization Code (Refresh Token only with offline_access in SALLYPORT_OIDC_SCOPES)",
					`Project → General: "Assert Roles on Authentication", for roles as groups`,
				},
			},
			Advice: []string{
				"profile, e-mail and roles are asked for at the userinfo endpoint, because the ID token has them only with \"User Info inside ID Token\"",
			},
		},
		{
			Name: "authentik", Title: "authentik",
			IssuerForm: "https://HOST/application/o/SLUG/",
			Defaults: map[string]string{
				"SALLYPORT_OIDC_REFRESH_BOUND": "no", // not confirmed; the careful reading
				"SALLYPORT_EMAIL_VERIFIED":     "ignore",
			},
			Remedies: Remedies{
				SigningAlg: `in authentik, Applications → Providers → your provider, choose a Signing Key: without one it signs with the client secret`,
				Unverified: "authentik states email_verified: false of everybody since 2025.10; change its scope mapping for email, or set SALLYPORT_EMAIL_VERIFIED=ignore if people cannot choose their address there",
			},
			Console: Console{
				Page:     "Applications → Providers → your OAuth2/OpenID provider",
				Redirect: "Redirect URIs/Origins (Strict)", PostLogout: "Redirect URIs/Origins (Strict)", BackChannel: "Logout URI (method Back-channel)", FrontChannel: "Logout URI (method Front-channel)",
				Steps: []string{
					"Client type: Confidential",
					"Signing Key: choose one; without it tokens are signed with the client secret and refused",
					`Issuer mode: "Each provider has a different issuer"; with the global mode set SALLYPORT_OIDC_DISCOVERY_URL, too`,
				},
			},
			Advice: []string{
				"the issuer ends with a slash in every mode",
			},
		},
		{
			Name: "gitlab", Title: "GitLab",
			Defaults: map[string]string{
				"SALLYPORT_OIDC_ISSUER":        "https://gitlab.com",
				"SALLYPORT_OIDC_REFRESH_BOUND": "no",
			},
			Console: Console{
				Page:     "User settings, group or Admin → Applications → Add new application",
				Redirect: "Redirect URI",
				Steps: []string{
					"Confidential: on",
					"Scopes: {scopes}",
				},
			},
			Advice: []string{
				"GitLab has no sign-out for applications: a sign-out is local, and the next sign-in asks which account",
				"groups are asked for at the userinfo endpoint; the address is the public one unless the application may use the scope email",
			},
		},
	}
}
