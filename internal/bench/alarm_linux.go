package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes one goroutine to the microsecond, which time.Sleep does not: an idle
// program's timers wait in epoll_wait(2), whose unit is a millisecond.
type alarm struct{ file *os.File }

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a timer: %w", err)
	}
	return &alarm{file: os.NewFile(uintptr(fd), "timer")}, nil
}

// until returns at that time, at once if it has passed.
func (a *alarm) until(due time.Time) error {
	left := time.Until(due)
	if left <= 0 {
		return nil
	}
	raw, err := a.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("reaching the timer: %w", err)
	}
	set := raw.Control(func(fd uintptr) {
		err = unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(left.Nanoseconds())}, nil)
	})
	if err := errors.Join(set, err); err != nil {
		return fmt.Errorf("setting the timer: %w", err)
	}
	var ticks [8]byte
	if _, err := a.file.Read(ticks[:]); err != nil {
		return fmt.Errorf("waiting for the timer: %w", err)
	}
	return nil
}

func (a *alarm) close() { a.file.Close() }
