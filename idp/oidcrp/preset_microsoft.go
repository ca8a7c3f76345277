package oidcrp

// microsoftPresets are the products of Microsoft. Where something here is not
// confirmed, docs/providers says so.
func microsoftPresets() []Preset {
	return []Preset{
		{
			Name: "entra", Title: "Microsoft Entra ID (Azure AD)",
			IssuerForm: "https://login.microsoftonline.com/TENANT-ID/v2.0", IssuerEnd: "/v2.0",
			Defaults: map[string]string{
				"SALLYPORT_OIDC_CLIENT_AUTH":               "client_secret_post",
				"SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE": "endpoint",
				"SALLYPORT_OIDC_USERINFO":                  "never", // it is at Microsoft Graph and adds nothing to the ID token
				"SALLYPORT_OIDC_REFRESH_BOUND":             "no",
				"SALLYPORT_CLAIM_EMAIL_VERIFIED":           "xms_edov",
			},
			SharedTenants: []string{"organizations", "common"},
			Remedies: Remedies{
				Issuer:     "with the id of the tenant, not its name, and /v2.0 at the end: without that it is version 1 of the protocol, which the preset is not for",
				Email:      `in Entra, "Token configuration", add the optional claim email to the ID token; the person's account needs an address`,
				Unverified: `in Entra, "Token configuration", add the optional claim xms_edov to the ID token; it says whether the tenant owns the domain of the address`,
				Groups:     `in Entra, "Token configuration", let the groups claim hold only "Groups assigned to the application", or use app roles with SALLYPORT_CLAIM_GROUPS=roles`,
			},
			Console: Console{
				Page:     `App registrations → your application → Authentication → Platform configurations → Web`,
				Redirect: "Redirect URIs", PostLogout: "Redirect URIs", FrontChannel: "Front-channel logout URL", Login: "Branding & properties → Home page URL",
				Steps: []string{
					`Both Redirect URIs are needed: Entra has no other list for where a sign-out leads`,
					`"Implicit grant and hybrid flows": leave both boxes empty`,
					`Certificates & secrets → New client secret: set SALLYPORT_OIDC_CLIENT_SECRET_EXPIRES to the date on which it expires; after it nobody can sign in`,
					`Token configuration → Add optional claim → ID: email, sid, xms_edov`,
					`Token configuration → Add groups claim → Groups assigned to the application`,
				},
			},
			Advice: []string{
				"the secret of an Entra application lasts 24 months at most; after that nobody can sign in: set SALLYPORT_OIDC_CLIENT_SECRET_EXPIRES, or use a certificate (SALLYPORT_OIDC_CLIENT_AUTH=private_key_jwt)",
				"groups come as object ids, and not at all for members of more than 200 groups: let Entra send only the groups assigned to the application, or use app roles",
			},
		},
		{
			Name: "external-id", Title: "Microsoft Entra External ID",
			IssuerForm: "https://TENANT-ID.ciamlogin.com/TENANT-ID/v2.0",
			Defaults: map[string]string{
				"SALLYPORT_OIDC_CLIENT_AUTH":               "client_secret_post",
				"SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE": "endpoint",
				"SALLYPORT_OIDC_USERINFO":                  "never",
				"SALLYPORT_OIDC_REFRESH_BOUND":             "no",
				"SALLYPORT_CLAIM_EMAIL_VERIFIED":           "xms_edov",
			},
			Remedies: Remedies{
				Email:  `in the Entra admin center, "Token configuration", add the optional claim email to the ID token`,
				Groups: `let the groups claim hold only "Groups assigned to the application"`,
			},
			Console: Console{
				Page:     `App registrations → your application → Authentication → Platform configurations → Web`,
				Redirect: "Redirect URIs", PostLogout: "Redirect URIs", FrontChannel: "Front-channel logout URL",
				Steps: []string{
					`User flows → your flow → Applications: add the application`,
					`Token configuration → Add optional claim → ID: email, sid`,
				},
			},
			Advice: []string{
				"the issuer's host is the tenant's id even where the metadata are fetched by its name: copy issuer from the metadata, and set SALLYPORT_OIDC_DISCOVERY_URL when the two differ",
			},
		},
		{
			Name: "b2c", Title: "Azure AD B2C",
			IssuerForm: "https://TENANT.b2clogin.com/TENANT-ID/v2.0/",
			Defaults: map[string]string{
				"SALLYPORT_OIDC_CLIENT_AUTH":               "client_secret_post",
				"SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE": "endpoint",
				"SALLYPORT_OIDC_SCOPES":                    "openid,{client_id}", // without its own id there is no access token
				"SALLYPORT_OIDC_USERINFO":                  "never",
				"SALLYPORT_OIDC_REFRESH_BOUND":             "no",
				"SALLYPORT_CLAIM_EMAIL":                    "emails",
				"SALLYPORT_CLAIM_NAME":                     "name",
				"SALLYPORT_EMAIL_REQUIRED":                 "true",
			},
			DiscoveryForm: "https://TENANT.b2clogin.com/TENANT.onmicrosoft.com/POLICY/v2.0/.well-known/openid-configuration",
			Remedies: Remedies{
				Email: `in the user flow, "Application claims", tick Email Addresses; a custom policy that emits email needs SALLYPORT_CLAIM_EMAIL=email`,
			},
			Console: Console{
				Page:     `Azure AD B2C → App registrations → your application → Authentication → Web`,
				Redirect: "Redirect URIs", PostLogout: "Redirect URIs", FrontChannel: "Front-channel logout URL",
				Steps: []string{
					`User flows → your sign-in flow → Application claims: Email Addresses, Display Name`,
					`User flows → your sign-in flow → Properties: "Issuer (iss) claim" as it is; SALLYPORT_OIDC_ISSUER is the issuer of the metadata, with its slash at the end`,
				},
			},
			Advice: []string{
				"every user flow of the tenant has the same issuer: only tokens of the policy in SALLYPORT_OIDC_DISCOVERY_URL, or in SALLYPORT_OIDC_POLICIES, are accepted",
			},
		},
		{
			Name: "adfs", Title: "Active Directory Federation Services",
			IssuerForm: "https://HOST/adfs",
			Defaults: map[string]string{
				"SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE": "endpoint",
				"SALLYPORT_OIDC_SCOPES":                    "openid,profile,email,allatclaims",
				"SALLYPORT_OIDC_USERINFO":                  "never", // it knows nothing but sub
				"SALLYPORT_OIDC_REFRESH_BOUND":             "no",
				"SALLYPORT_CLAIM_NAME":                     "unique_name",
				"SALLYPORT_EMAIL_REQUIRED":                 "true",
			},
			Remedies: Remedies{
				Email: `in AD FS, the Web API of the application group needs an issuance transform rule that maps E-Mail-Addresses to the claim email, and the account in Active Directory needs an address; SALLYPORT_CLAIM_EMAIL=upn uses the user principal name, which nobody has verified`,
			},
			Console: Console{
				Page:     `AD FS Management → Application Groups → Add: "Server application accessing a web API" → Server application`,
				Redirect: "Redirect URI", PostLogout: "Redirect URI", FrontChannel: "LogoutUri (Set-AdfsServerApplication -LogoutUri)",
				Steps: []string{
					`Both redirect URIs are needed: AD FS has no other list for where a sign-out leads`,
					`Configure Application Credentials: Generate a shared secret`,
					`Configure Web API → Identifier: {client_id}, exactly that of the server application; with another the token has no claims`,
					`Web API → Client permissions, permitted scopes: allatclaims, email, openid, profile`,
					`Web API → Issuance Transform Rules: Send LDAP Attributes as Claims, E-Mail-Addresses → email; Token-Groups - Unqualified Names → groups`,
				},
			},
			Advice: []string{
				"the issuer is what the metadata state, with or without a slash at its end",
				"a refresh token of AD FS outlives the person's sign-out there",
			},
		},
	}
}
