// Package loopback keeps ports of 127.0.0.1 for programs that have to be told beforehand
// which one to listen on, as other people's servers do in tests.
package loopback

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// Port is a port that nobody but a program that is told of it takes, until it is closed.
type Port struct {
	number int
	kept   []func() error // gives back what the kernel keeps for us
}

// attempts bounds the search for a port whose further ones are free, too.
const attempts = 100

// Reserve returns a port of 127.0.0.1 on which one program after another may listen. further
// are distances to other ports that are kept with it. On systems other than Linux it only was
// free a moment ago.
func Reserve(further ...int) (*Port, error) {
	for range attempts {
		p, err := reserve(further)
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no port of 127.0.0.1 has free ones at distances %v: %d were tried", further, attempts)
}

func reserve(further []int) (*Port, error) {
	number, release, err := keep(0)
	if err != nil {
		return nil, fmt.Errorf("reserving a port: %w", err)
	}
	p := &Port{number: number, kept: []func() error{release}}
	for _, distance := range further {
		if number+distance > 0xffff {
			return nil, errors.Join(syscall.EADDRINUSE, p.Close())
		}
		_, release, err := keep(number + distance)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("reserving port %d: %w", number+distance, err), p.Close())
		}
		p.kept = append(p.kept, release)
	}
	return p, nil
}

// String is the port's number.
func (p *Port) String() string { return strconv.Itoa(p.number) }

// Address is host and port.
func (p *Port) Address() string { return net.JoinHostPort("127.0.0.1", p.String()) }

// Close gives the port back. Whoever listens on it goes on.
func (p *Port) Close() error {
	var errs []error
	for _, release := range p.kept {
		errs = append(errs, release())
	}
	p.kept = nil
	return errors.Join(errs...)
}
