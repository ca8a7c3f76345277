package loopback

import (
	"os"
	"syscall"
)

// keep binds a socket to a port, or to one that the kernel chooses for 0, and never listens:
// the kernel then gives the port to nobody who leaves the choice to it, listener or client.
// With SO_REUSEADDR, which servers set as well, one may listen who asks for this port; it is set
// only afterwards, because two of us would share a port with it.
func keep(port int) (number int, release func() error, err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, os.NewSyscallError("socket", err)
	}
	release = func() error { return os.NewSyscallError("close", syscall.Close(fd)) }
	if number, err = bind(fd, port); err != nil {
		_ = release() // the port is not ours anyway
		return 0, nil, err
	}
	return number, release, nil
}

func bind(fd, port int) (number int, err error) {
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, os.NewSyscallError("bind", err)
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, os.NewSyscallError("setsockopt", err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	return bound.(*syscall.SockaddrInet4).Port, nil
}
