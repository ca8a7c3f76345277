//go:build !linux

package loopback

import "net"

// keep finds a port that is free now. Where a socket that does not listen would be in the way of
// one that does, nothing keeps it.
func keep(port int) (number int, release func() error, err error) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return 0, nil, err
	}
	return l.Addr().(*net.TCPAddr).Port, func() error { return nil }, l.Close()
}
