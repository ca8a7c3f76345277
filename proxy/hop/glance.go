package hop

// sight is what a glance at an idle connection shows.
type sight int

const (
	quiet   sight = iota // nothing: it can carry a request
	waiting              // bytes that would be taken for the answer to the next request
	closed               // it has ended, or cannot be looked at
)
