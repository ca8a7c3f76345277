package migrate

func oauth2ProxyHeaders() map[string]rule {
	return map[string]rule{
		"PASS_USER_HEADERS":         onlyIf(nothing, remark("has no counterpart: the app is always told who is asking; it may ignore X-Forwarded-User and its kin")),
		"PASS_ACCESS_TOKEN":         same("SALLYPORT_PASS_ACCESS_TOKEN"),
		"PASS_AUTHORIZATION_HEADER": onlyIf(passIDToken, nothing),
		"SET_AUTHORIZATION_HEADER":  onlyIf(passIDToken, nothing),
		"PASS_BASIC_AUTH":           basicSwitch,
		"SET_BASIC_AUTH":            basicSwitch,
		"BASIC_AUTH_PASSWORD":       passBasic,
		"PREFER_EMAIL_TO_USER": onlyIf(func(t *translation, _ string) {
			t.set("SALLYPORT_CLAIM_USER", "email", "X-Forwarded-User is then the address")
		}, nothing),
		"PASS_HOST_HEADER":                  same("SALLYPORT_UPSTREAM_PASS_HOST"),
		"SET_XAUTHREQUEST":                  remark("is always so in forward-auth"),
		"SIGNATURE_KEY":                     remark("has no counterpart"),
		"REQUEST_ID_HEADER":                 remark("is X-Request-Id; nothing to do"),
		"PROXY_WEBSOCKETS":                  onlyIf(nothing, remark("has no counterpart: WebSockets pass from our own origin and those of SALLYPORT_ALLOWED_ORIGINS")),
		"FLUSH_INTERVAL":                    remark("has no counterpart: what streams is passed on at once"),
		"SSL_UPSTREAM_INSECURE_SKIP_VERIFY": onlyIf(remark(unsafe+": set SALLYPORT_UPSTREAM_CA_FILE to the certificate of the app's authority"), nothing),
		"DISABLE_KEEP_ALIVES":               onlyIf(remark("has no counterpart: connections to the app are kept"), nothing),
	}
}

// passBasic sends Basic unless both of its switches are off, as theirs are by default not.
func passBasic(t *translation, value string) {
	if off := t.values["PASS_BASIC_AUTH"]; off != "" && !isTrue(off) && !isTrue(t.values["SET_BASIC_AUTH"]) {
		t.note("is not used: OAUTH2_PROXY_PASS_BASIC_AUTH is off")
		return
	}
	t.set("SALLYPORT_PASS_AUTHORIZATION", "basic", "the user name is that of SALLYPORT_BASIC_USER")
	secretly("SALLYPORT_BASIC_PASSWORD")(t, value)
}

// basicSwitch says that there is no Basic without a password, in either product.
func basicSwitch(t *translation, value string) {
	if isTrue(value) && t.values["BASIC_AUTH_PASSWORD"] == "" {
		t.note("does nothing without OAUTH2_PROXY_BASIC_AUTH_PASSWORD; there is SALLYPORT_PASS_AUTHORIZATION=basic")
	}
}

func passIDToken(t *translation, _ string) {
	t.set("SALLYPORT_PASS_AUTHORIZATION", "id_token", "the access token is what an API expects: access_token")
}

func oauth2ProxyRest() map[string]rule {
	rules := map[string]rule{
		"REQUEST_LOGGING":        same("SALLYPORT_ACCESS_LOG"),
		"CUSTOM_TEMPLATES_DIR":   remark("has no counterpart: there is no page before the sign-in"),
		"CUSTOM_SIGN_IN_LOGO":    remark("has no counterpart: there is no page before the sign-in"),
		"BANNER":                 remark("has no counterpart: there is no page before the sign-in"),
		"FOOTER":                 remark("has no counterpart: there is no page before the sign-in"),
		"SKIP_PROVIDER_BUTTON":   remark(always),
		"SHOW_DEBUG_ON_ERROR":    onlyIf(remark(unsafe+": every page has a request id, and the log the cause"), nothing),
		"FORCE_JSON_ERRORS":      onlyIf(remark("has no counterpart: whoever does not accept HTML gets JSON"), nothing),
		"ALLOW_QUERY_SEMICOLONS": remark("is always so: the query passes as it came"),
		"CONFIG":                 remark("names a configuration file, which is not read; put its settings into the environment to have them translated"),
		"ALPHA_CONFIG":           remark("names a configuration file, which is not read"),
	}
	for _, name := range []string{
		"AUTH_LOGGING", "AUTH_LOGGING_FORMAT", "ERRORS_TO_INFO_LOG", "EXCLUDE_LOGGING_PATHS", "EXCLUDE_LOGGING_PATH", "LOGGING_COMPRESS", "LOGGING_FILENAME",
		"LOGGING_LOCAL_TIME", "LOGGING_MAX_AGE", "LOGGING_MAX_BACKUPS", "LOGGING_MAX_SIZE", "REQUEST_LOGGING_FORMAT", "SILENCE_PING_LOGGING",
		"STANDARD_LOGGING", "STANDARD_LOGGING_FORMAT",
	} {
		rules[name] = remark(logging)
	}
	return rules
}
