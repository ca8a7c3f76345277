package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// loop is one thread that serves everything of the load: the client's connections, the
// app's, and the moments at which requests are due. With a goroutine for each, the
// scheduler and the kernel would decide who waits, for longer than what is measured
// takes. Its methods may be called by many at once, but not from within the loop.
type loop struct {
	epoll, wake int
	handlers    map[int32]func() // by descriptor; the loop's own

	mu     sync.Mutex
	posted []func()
	over   bool
	ended  chan struct{}
}

// startLoop runs one until it is closed.
func startLoop() (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll instance: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(epoll)
		return nil, fmt.Errorf("making an event: %w", err)
	}
	l := &loop{epoll: epoll, wake: wake, handlers: map[int32]func(){}, ended: make(chan struct{})}
	if err := l.watch(wake, l.runPosted); err != nil {
		l.release()
		return nil, err
	}
	go l.run()
	return l, nil
}

// watch has ready called in the loop whenever more can be read from fd, or written to
// it. It is told once of each such change (EPOLLET), so ready has to go on until
// errWait, or until it got less than it asked for.
func (l *loop) watch(fd int, ready func()) error {
	l.handlers[int32(fd)] = ready
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		delete(l.handlers, int32(fd))
		return fmt.Errorf("watching a descriptor: %w", err)
	}
	return nil
}

// forget closes fd.
func (l *loop) forget(fd int) {
	delete(l.handlers, int32(fd))
	unix.Close(fd)
}

// do calls f in the loop and returns when f has. After close, it does nothing.
func (l *loop) do(f func()) {
	done := make(chan struct{})
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return
	}
	l.posted = append(l.posted, func() { f(); close(done) })
	l.notify()
	l.mu.Unlock()
	<-done
}

// notify wakes the loop; mu is held, so that the descriptor is open.
func (l *loop) notify() {
	one := [8]byte{1}
	_, _ = unix.Write(l.wake, one[:]) // it fails only when 2⁶⁴-1 calls are pending
}

// close ends the loop and everything that it watches.
func (l *loop) close() {
	l.mu.Lock()
	if !l.over {
		l.over = true
		l.notify()
	}
	l.mu.Unlock()
	<-l.ended
}

func (l *loop) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(l.ended)
	defer l.release()
	var events [128]unix.EpollEvent
	for {
		n, err := unix.EpollWait(l.epoll, events[:], -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic(fmt.Sprintf("bench: waiting for events: %v", err)) // a descriptor of ours is closed
		}
		for _, e := range events[:max(n, 0)] {
			// One that was closed meanwhile has none, and one that has its number now sees
			// that nothing is there.
			if ready := l.handlers[e.Fd]; ready != nil {
				ready()
			}
		}
		l.mu.Lock()
		over := l.over && len(l.posted) == 0
		l.mu.Unlock()
		if over {
			return
		}
	}
}

// runPosted calls what do was given.
func (l *loop) runPosted() {
	var count [8]byte
	_, _ = unix.Read(l.wake, count[:]) // to rearm it
	l.mu.Lock()
	posted := l.posted
	l.posted = nil
	l.mu.Unlock()
	for _, f := range posted {
		f()
	}
}

// release closes all descriptors.
func (l *loop) release() {
	for fd := range l.handlers {
		unix.Close(int(fd))
	}
	unix.Close(l.epoll)
}
