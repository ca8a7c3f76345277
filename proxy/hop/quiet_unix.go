//go:build unix

package hop

import (
	"net"
	"syscall"
)

// glance looks at what waits to be read from a connection, without reading it.
type glance struct {
	control func(func(uintptr)) error // nil: there is nothing to look at
	look    func(uintptr)
	err     error
}

func glanceAt(nc net.Conn) *glance {
	g := &glance{}
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			g.control = raw.Control // not Read, which an old deadline would end
		}
	}
	g.look = func(fd uintptr) {
		var b [1]byte
		_, _, g.err = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	}
	return g
}

// quiet reports whether the app has neither closed an idle connection nor sent
// anything that would be taken for the answer to the next request.
func (g *glance) quiet() bool {
	return g.control != nil && g.control(g.look) == nil && (g.err == syscall.EAGAIN || g.err == syscall.EWOULDBLOCK)
}
