//go:build !linux

package main

import (
	"syscall"
	"time"
)

type loop struct{}

func startLoop() (*loop, error)                 { return nil, errLinux }
func (*loop) do(func())                         {}
func (*loop) close()                            {}
func (*loop) watch(int, func()) error           { return errLinux }
func (*loop) take(syscall.Conn) (socket, error) { return socket{}, errLinux }
func (*loop) alarm(func()) (*alarm, error)      { return nil, errLinux }

var errWait = errLinux

type socket struct {
	loop *loop
	fd   int
}

func (socket) serve(func()) error          { return errLinux }
func (socket) accept() (socket, error)     { return socket{}, errLinux }
func (socket) read([]byte) (int, error)    { return 0, errLinux }
func (socket) write([][]byte) (int, error) { return 0, errLinux }
func (socket) close()                      {}

type alarm struct{ socket }

func (*alarm) in(time.Duration) error { return errLinux }
