package main

import (
	"fmt"

	"github.com/sallyport/sallyport/session"
)

// keygen prints a fresh value for SALLYPORT_SECRET.
func (p *process) keygen() int {
	fmt.Fprintln(p.stdout, session.GenerateKey().Encode())
	return exitOK
}
