package proxy

// CheckClientHeaders says what is wrong with a value of
// SALLYPORT_PASS_CLIENT_HEADERS, so that a configuration can be judged before
// anything is made of it; New refuses the same.
func CheckClientHeaders(names []string, claims ClaimHeaders) error {
	_, err := exceptions(names, claims)
	return err
}
