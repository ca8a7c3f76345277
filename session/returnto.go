package session

// ReturnTo is an address that a person may be sent to after one of our
// redirecting endpoints: a path of this site, or a URL whose origin the
// operator allowed. It cannot be made but by ReturnPolicy.Parse or read back
// from our own seal. The zero value is the site's home.
type ReturnTo struct{ target string }
