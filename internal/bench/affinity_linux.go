package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// processors are this machine's, divided: proxies run on one of them alone, this
// program, with client, app and provider, on the others. Where there is only
// one, everybody shares it.
type processors struct{ all, proxies, rest unix.CPUSet }

// processorLimit is how many an affinity mask knows.
const processorLimit = len(unix.CPUSet{}) * 64

// findProcessors is to be called before any of them is taken.
func findProcessors() (processors, error) {
	var p processors
	if err := unix.SchedGetaffinity(0, &p.all); err != nil {
		return p, fmt.Errorf("asking for the processors: %w", err)
	}
	p.rest = p.all
	for cpu := processorLimit - 1; cpu >= 0; cpu-- {
		if p.all.IsSet(cpu) {
			p.proxies.Set(cpu)
			break
		}
	}
	if p.all.Count() > 1 {
		for cpu := range processorLimit {
			if p.proxies.IsSet(cpu) {
				p.rest.Clear(cpu)
			}
		}
	}
	return p, nil
}

// apart leaves the proxies' processor to them, as together does not.
func (p processors) apart() error    { return confine(p.rest) }
func (p processors) together() error { return confine(p.all) }

// count is how many processors there are.
func (p processors) count() int { return p.all.Count() }

// start calls begin, which starts a process, so that the process and its threads
// run on so many processors: 1 is the proxies', 0 those of this program, and any
// other number all of them.
func (p processors) start(n int, begin func() error) error {
	on := p.all
	switch n {
	case 0:
		on = p.rest
	case 1:
		on = p.proxies
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("asking for the processors: %w", err)
	}
	if err := unix.SchedSetaffinity(0, &on); err != nil {
		return fmt.Errorf("choosing processors: %w", err)
	}
	err := begin()
	if back := unix.SchedSetaffinity(0, &before); err == nil && back != nil {
		return fmt.Errorf("choosing processors again: %w", back)
	}
	return err
}

// confine moves this process to those processors, the threads that it has and those
// to come.
func confine(to unix.CPUSet) error {
	if err := eachThread(func(id int) error { return unix.SchedSetaffinity(id, &to) }); err != nil {
		return fmt.Errorf("moving a thread: %w", err)
	}
	runtime.GOMAXPROCS(to.Count() + 1) // one is the loop's, so that it never waits for a turn
	return nil
}

// eachThread calls do with those of this process.
func eachThread(do func(id int) error) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("reading the threads: %w", err)
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		// One that has ended meanwhile needs nothing.
		if err := do(id); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}
