package fault

import (
	"net/http"
	"time"
)

// The codes. Each is a heading in docs/errors.md; a test keeps both equal.
const (
	Internal Code = "internal_error"

	// Requests that are refused before anybody asks who sent them.
	BadRequest       Code = "bad_request"
	BadPath          Code = "bad_path"
	MethodNotAllowed Code = "method_not_allowed"
	NotFound         Code = "not_found"
	MisdirectedHost  Code = "misdirected_host"
	CookiesTooLarge  Code = "cookies_too_large"

	// Who is this, and may they?
	SignInRequired    Code = "sign_in_required"
	SignInLoop        Code = "sign_in_loop"
	EmailNotAllowed   Code = "email_not_allowed"
	GroupNotAllowed   Code = "group_not_allowed"
	GroupsWithheld    Code = "groups_withheld"
	ClaimNotAllowed   Code = "claim_not_allowed"
	IdPNotAllowed     Code = "idp_not_allowed"
	UserNameUnfit     Code = "user_name_unfit"
	StepUpRequired    Code = "step_up_required"
	StepUpFailed      Code = "step_up_failed"
	OriginNotAllowed  Code = "origin_not_allowed"
	PreflightRefused  Code = "preflight_refused"
	CrossSiteRequest  Code = "cross_site_request"
	StoreUnavailable  Code = "store_unavailable"
	SignOutIncomplete Code = "sign_out_incomplete"
	RevokeIncomplete  Code = "revoke_incomplete"
	FormNotTheirs     Code = "form_not_yours"
	FormExpired       Code = "form_expired"

	// The way through the identity provider.
	LoginInvalid      Code = "login_request_invalid"
	CallbackInvalid   Code = "callback_invalid"
	LoginCookieLost   Code = "login_cookie_lost"
	IssuerMismatch    Code = "issuer_mismatch"
	IdPUnavailable    Code = "idp_unavailable"
	IdPTimeout        Code = "idp_timeout"
	IdPDenied         Code = "idp_access_denied"
	IdPInteraction    Code = "idp_interaction_required"
	IdPError          Code = "idp_error"
	ClientRejected    Code = "idp_client_rejected"
	CodeRejected      Code = "idp_code_rejected"
	TokenInvalid      Code = "idp_token_response_invalid"
	AccessTokenAbsent Code = "idp_access_token_missing"
	IDTokenAbsent     Code = "idp_id_token_missing"
	IDTokenInvalid    Code = "id_token_invalid"
	ClockSkew         Code = "clock_skew"
	UserinfoInvalid   Code = "userinfo_invalid"
	EmailUnverified   Code = "email_unverified"
	EmailMissing      Code = "email_missing"
	SessionNotBound   Code = "session_not_bound"

	EmailDomainRefused Code = "email_domain_refused"

	LogoutTokenInvalid Code = "logout_token_invalid"
	AccountNotAllowed  Code = "account_not_allowed"
	SessionTooLarge    Code = "session_too_large"

	// The app behind us.
	UpstreamUnreachable Code = "upstream_unreachable"
	UpstreamTimeout     Code = "upstream_timeout"
	UpstreamInvalid     Code = "upstream_invalid_response"
)

const tellOperator = "If it happens again, give the request id to the people who run this service."

var catalogue = map[Code]Error{
	Internal: {Status: http.StatusInternalServerError, Title: "Something went wrong",
		Detail: "This request could not be handled because of a fault on our side.", Hint: tellOperator},

	BadRequest: {Status: http.StatusBadRequest, Title: "Request not understood",
		Detail: "The request is not valid HTTP for this site.", Hint: "Check the address and try again."},
	BadPath: {Status: http.StatusBadRequest, Title: "Address not accepted",
		Detail: "The path contains a character that this site does not accept.", Hint: "Remove the backslash, # or control character from the path."},
	MethodNotAllowed: {Status: http.StatusMethodNotAllowed, Title: "Method not allowed",
		Detail: "This address does not answer that request method.", Hint: "Open the address in a browser, or see the documentation of the API."},
	NotFound: {Status: http.StatusNotFound, Title: "Page not found",
		Detail: "There is nothing at this address.", Hint: "Check the address for a typing mistake."},
	MisdirectedHost: {Status: http.StatusMisdirectedRequest, Title: "Wrong host",
		Detail: "This server does not answer for the host name in the request.",
		Hint:   "Operators: the host must be that of SALLYPORT_PUBLIC_URL or be listed in SALLYPORT_ALLOWED_HOSTS."},
	CookiesTooLarge: {Status: http.StatusRequestHeaderFieldsTooLarge, Title: "Too many cookies",
		Detail: "Your browser sent more cookies for this site than it accepts.", Hint: "Clear the cookies of this site and try again."},

	SignInRequired: {Status: http.StatusUnauthorized, Title: "Sign-in required",
		Detail: "There is no valid session with this request.", Hint: "Open login_url in a browser window to sign in."},
	SignInLoop: {Status: http.StatusBadRequest, Title: "Sign-in does not hold",
		Detail: "You signed in several times within seconds, and each session was gone at the next request.",
		Hint:   "Operators: when more than one replica runs, they need one shared session store and the same SALLYPORT_SECRET."},
	EmailNotAllowed: {Status: http.StatusForbidden, Title: "No access",
		Detail: "You are signed in, but this account may not use this application.", Hint: "Sign out and choose another account, or ask the owner of the application for access."},
	GroupNotAllowed: {Status: http.StatusForbidden, Title: "No access",
		Detail: "You are signed in, but this account is not in a group that may use this application.", Hint: "Sign out and choose another account, or ask the owner of the application for access."},
	GroupsWithheld: {Status: http.StatusForbidden, Title: "Your groups are not known",
		Detail: "You are signed in, but you are in more groups than the identity provider passes on, so that nothing can be decided by them.",
		Hint:   "Ask the owner of the application: the identity provider has to send fewer groups."},
	ClaimNotAllowed: {Status: http.StatusForbidden, Title: "No access",
		Detail: "Your account does not have what this part of the application asks for.", Hint: "Ask the people who run this service for access, or use another account."},
	IdPNotAllowed: {Status: http.StatusForbidden, Title: "No access",
		Detail: "This part of the application is for people who sign in elsewhere.", Hint: "Sign out and choose the other way to sign in, or ask the people who run this service for access."},
	UserNameUnfit: {Status: http.StatusForbidden, Title: "Your user name cannot be used here",
		Detail: "You are signed in, but this application knows people by a user name of a form that yours does not have.", Hint: "Use another account, or ask the people who run this service."},
	StepUpRequired: {Status: http.StatusUnauthorized, Title: "Another sign-in is needed",
		Detail: "This part of the application asks for a more recent sign-in, or for another kind of it.", Hint: "Open login_url in a browser window to sign in."},
	StepUpFailed: {Status: http.StatusForbidden, Title: "This sign-in is not enough",
		Detail: "This part of the application asks for a more recent sign-in, or for another kind of it, and the identity provider did not confirm one.",
		Hint:   "Try again, and follow every step that the identity provider shows. If it shows none, ask the people who run this service.",
	},
	OriginNotAllowed: {Status: http.StatusForbidden, Title: "Origin not allowed",
		Detail: "A page of another site tried to open a connection to this one.",
		Hint:   "Operators: trusted origins are listed in SALLYPORT_ALLOWED_ORIGINS."},
	PreflightRefused: {Status: http.StatusForbidden, Title: "Request of another site not allowed",
		Detail: "A script of another site asked to send a method or a header that is not allowed to it.",
		Hint:   "Operators: what such scripts may send is listed in SALLYPORT_CORS_METHODS and SALLYPORT_CORS_HEADERS."},
	CrossSiteRequest: {Status: http.StatusForbidden, Title: "Cross-site request refused",
		Detail: "This request came from a page of another site.", Hint: "Open this site directly and try again."},
	StoreUnavailable: {Status: http.StatusServiceUnavailable, Title: "Sessions cannot be read right now",
		Detail: "The session store does not answer. If you were signed in, you still are.", Hint: "Wait a moment and try again.", RetryAfter: 5 * time.Second},
	SignOutIncomplete: {Status: http.StatusServiceUnavailable, Title: "Sign-out incomplete",
		Detail: "Your browser has forgotten the session, but the session store did not confirm that it ended.", Hint: "Try again in a moment; on a shared computer, close the browser.", RetryAfter: 5 * time.Second},
	RevokeIncomplete: {Status: http.StatusServiceUnavailable, Title: "Not all sessions ended",
		Detail: "The session store did not confirm that the sessions you chose have ended.", Hint: "Open the list of your sessions again in a moment, and end those that are still there.", RetryAfter: 5 * time.Second},
	FormNotTheirs: {Status: http.StatusForbidden, Title: "Somebody else filled this in",
		Detail: "What was filled in before the sign-in belongs to another person, so it was not sent.",
		Hint:   "If it was you, sign in with the account you had before, and fill it in again."},
	FormExpired: {Status: http.StatusGone, Title: "This took too long",
		Detail: "What was filled in before the sign-in is kept for eleven minutes only, so it was not sent.", Hint: "Fill it in again."},

	LoginInvalid: {Status: http.StatusBadRequest, Title: "Sign-in link not valid",
		Detail: "The link that brought you here asks for a sign-in that this site does not offer.", Hint: "Open the application directly, or try again from here."},
	CallbackInvalid: {Status: http.StatusBadRequest, Title: "Sign-in could not be completed",
		Detail: "The answer that came back from the identity provider is incomplete or was changed.", Hint: "Start the sign-in again."},
	LoginCookieLost: {Status: http.StatusBadRequest, Title: "Sign-in could not be completed",
		Detail: "Your browser came back without the cookie that this sign-in began with.",
		Hint:   "Allow cookies for this site, use one browser window for the whole sign-in, and finish it within ten minutes."},
	IssuerMismatch: {Status: http.StatusForbidden, Title: "Sign-in could not be completed",
		Detail: "The answer came from another identity provider than the one you were sent to.", Hint: tellOperator},
	IdPUnavailable: {Status: http.StatusServiceUnavailable, Title: "Sign-in is not available right now",
		Detail: "The identity provider cannot be reached.", Hint: "Wait a moment and try again. People who are already signed in are not affected.", RetryAfter: 5 * time.Second},
	IdPTimeout: {Status: http.StatusGatewayTimeout, Title: "Sign-in took too long",
		Detail: "The identity provider did not answer in time.", Hint: "Wait a moment and try again.", RetryAfter: 5 * time.Second},
	IdPDenied: {Status: http.StatusForbidden, Title: "Sign-in was declined",
		Detail: "The identity provider did not let this account in, or the sign-in was cancelled.", Hint: "Try again, perhaps with another account, or ask whoever manages your account for access to this application."},
	IdPInteraction: {Status: http.StatusForbidden, Title: "Sign-in needs your attention",
		Detail: "The identity provider needs something from you before it can sign you in.", Hint: "Try again and follow its steps; a managed device may need the system browser."},
	IdPError: {Status: http.StatusBadGateway, Title: "Sign-in failed",
		Detail: "The identity provider reported an error.", Hint: "Wait a moment and try again. " + tellOperator},
	ClientRejected: {Status: http.StatusBadGateway, Title: "Sign-in is not set up correctly",
		Detail: "The identity provider does not accept this application's own credentials, so nobody can sign in.",
		Hint:   "Tell the operator. Operators: the client secret, or the certificate, may have expired; check SALLYPORT_OIDC_CLIENT_ID, SALLYPORT_OIDC_CLIENT_SECRET and SALLYPORT_OIDC_CLIENT_AUTH."},
	CodeRejected: {Status: http.StatusBadGateway, Title: "Sign-in could not be completed",
		Detail: "The identity provider no longer accepts this sign-in.", Hint: "Start the sign-in again."},
	TokenInvalid: {Status: http.StatusBadGateway, Title: "Sign-in failed",
		Detail: "The identity provider's answer could not be understood.", Hint: tellOperator},
	AccessTokenAbsent: {Status: http.StatusBadGateway, Title: "Sign-in is not set up correctly",
		Detail: "The identity provider returned no access token.",
		Hint:   "Operators: ask for a scope of a resource in SALLYPORT_OIDC_SCOPES; Azure AD B2C wants the client id as a scope."},
	IDTokenAbsent: {Status: http.StatusBadGateway, Title: "Sign-in is not set up correctly",
		Detail: "The identity provider returned no ID token.", Hint: "Operators: SALLYPORT_OIDC_SCOPES must contain openid."},
	IDTokenInvalid: {Status: http.StatusForbidden, Title: "Sign-in could not be verified",
		Detail: "The identity provider's statement about who you are did not pass verification.", Hint: tellOperator},
	ClockSkew: {Status: http.StatusForbidden, Title: "Clocks disagree",
		Detail: "The identity provider's statement is not valid at this server's time.", Hint: "Operators: compare the clocks of this server and the identity provider (sallyport check shows the difference)."},
	UserinfoInvalid: {Status: http.StatusBadGateway, Title: "Sign-in could not be verified",
		Detail: "The identity provider's details about you could not be used.", Hint: tellOperator},
	EmailUnverified: {Status: http.StatusForbidden, Title: "E-mail address not verified",
		Detail: "The identity provider has not verified your e-mail address.", Hint: "Verify the address there, then try again."},
	EmailMissing: {Status: http.StatusForbidden, Title: "E-mail address missing",
		Detail: "The identity provider stated no e-mail address for you, and this application needs one.",
		Hint:   "Let an address be added to your account. Operators: the log says what the provider has to be set to."},
	EmailDomainRefused: {Status: http.StatusForbidden, Title: "Not with this sign-in",
		Detail: "The identity provider that you chose is not the one for e-mail addresses like yours.",
		Hint:   "Sign in again and choose the one of your organisation."},
	SessionNotBound: {Status: http.StatusForbidden, Title: "Sign-in is not set up correctly",
		Detail: "This service only accepts sessions that end with your session at the identity provider, and the provider gave it no means to follow that.",
		Hint:   "Operators: the client needs refresh tokens that end with the person's session there, and no offline_access; or set SALLYPORT_SESSION_BINDING=auto."},
	AccountNotAllowed: {Status: http.StatusForbidden, Title: "Not with this account",
		Detail: "This application is for accounts of certain organisations, and the account that you signed in with is not one of them.",
		Hint:   "Sign in again with the account of your organisation."},
	SessionTooLarge: {Status: http.StatusBadGateway, Title: "Sign-in is not set up correctly",
		Detail: "What the identity provider says about you does not fit the cookies that this service keeps sessions in.",
		Hint:   "Operators: have the provider send fewer claims and groups, ask for fewer SALLYPORT_OIDC_SCOPES, or set SALLYPORT_SESSION_STORE to memory, file or redis."},

	LogoutTokenInvalid: {Status: http.StatusBadRequest, Title: "Logout token not accepted",
		Detail: "The logout token was not accepted.", Hint: "Operators: the log line with this request id says why."},

	UpstreamUnreachable: {Status: http.StatusBadGateway, Title: "The application is not available",
		Detail: "The application behind this address could not be reached.", Hint: "Wait a moment and try again.", RetryAfter: 5 * time.Second},
	UpstreamTimeout: {Status: http.StatusGatewayTimeout, Title: "The application did not answer",
		Detail: "The application behind this address took too long to answer.", Hint: "Wait a moment and try again.", RetryAfter: 5 * time.Second},
	UpstreamInvalid: {Status: http.StatusBadGateway, Title: "The application's answer was not valid",
		Detail: "The application behind this address sent something that is not valid HTTP.", Hint: tellOperator},
}
