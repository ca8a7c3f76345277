//go:build unix

package hop

import (
	"net"
	"syscall"
)

// glance looks at what waits to be read from a connection, without reading it.
type glance struct {
	control func(func(uintptr)) error // nil: there is nothing to look at
	peek    func(uintptr)
	n       int
	err     error
}

func glanceAt(nc net.Conn) *glance {
	g := &glance{}
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			g.control = raw.Control // not Read, which an old deadline would end
		}
	}
	g.peek = func(fd uintptr) {
		var b [1]byte
		g.n, _, g.err = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	}
	return g
}

func (g *glance) look() sight {
	switch {
	case g.control == nil || g.control(g.peek) != nil:
		return closed
	case g.err == syscall.EAGAIN || g.err == syscall.EWOULDBLOCK:
		return quiet
	case g.err == nil && g.n > 0:
		return waiting
	}
	return closed
}
