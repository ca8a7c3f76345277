//go:build !linux

package main

type processors struct{}

func findProcessors() (processors, error) { return processors{}, errLinux }

func (processors) apart() error                  { return errLinux }
func (processors) together() error               { return errLinux }
func (processors) count() int                    { return 1 }
func (processors) start(int, func() error) error { return errLinux }

func precede() (back func(), granted bool) { return func() {}, false }
