package main

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// errWait says that a socket has nothing to read now, or no room to write.
var errWait = errors.New("not now")

// socket is a connection, or a listener, that a loop watches. Its methods are called in
// the loop, but for serve.
type socket struct {
	loop *loop
	fd   int
}

// take gives conn's socket to the loop. conn is to be closed by the caller; the socket
// stays open, and Go's own poller no longer looks at it.
func (l *loop) take(conn syscall.Conn) (socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return socket{}, fmt.Errorf("reaching the socket: %w", err)
	}
	s := socket{loop: l, fd: -1}
	var failed error
	if err := raw.Control(func(fd uintptr) { s.fd, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return s, fmt.Errorf("reaching the socket: %w", err)
	}
	if failed != nil {
		return s, fmt.Errorf("duplicating the socket: %w", failed)
	}
	return s, nil
}

// serve has ready called from now on, as watch does. It is called outside of the loop,
// and closes the socket if it fails.
func (s socket) serve(ready func()) error {
	err := errors.New("the loop has ended")
	s.loop.do(func() { err = s.loop.watch(s.fd, ready) })
	if err != nil {
		unix.Close(s.fd)
	}
	return err
}

// accept takes the next connection of a listener, or errWait.
func (s socket) accept() (socket, error) {
	fd, _, err := unix.Accept4(s.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return socket{}, waiting(err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		unix.Close(fd)
		return socket{}, err
	}
	return socket{loop: s.loop, fd: fd}, nil
}

// read returns io.EOF at the end, and errWait.
func (s socket) read(b []byte) (int, error) {
	n, err := unix.Read(s.fd, b)
	if err != nil {
		return 0, waiting(err)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// write sends what there is room for, and errWait.
func (s socket) write(parts [][]byte) (int, error) {
	n, err := unix.Writev(s.fd, parts)
	if err != nil {
		return 0, waiting(err)
	}
	return n, nil
}

func (s socket) close() { s.loop.forget(s.fd) }

func waiting(err error) error {
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return errWait
	}
	return err
}

// alarm calls in the loop, to the microsecond. Go's own timers do not: an idle
// program's wait in epoll_wait(2), whose unit is a millisecond.
type alarm struct{ socket }

func (l *loop) alarm(ring func()) (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a timer: %w", err)
	}
	a := &alarm{socket{loop: l, fd: fd}}
	return a, a.serve(func() {
		var ticks [8]byte
		if _, err := a.read(ticks[:]); err == nil {
			ring()
		}
	})
}

// in has the alarm ring after that time, at once if it has passed.
func (a *alarm) in(left time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(left.Nanoseconds(), 1))}
	if err := unix.TimerfdSettime(a.fd, 0, &spec, nil); err != nil {
		return fmt.Errorf("setting a timer: %w", err)
	}
	return nil
}
