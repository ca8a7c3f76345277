package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// processCPU returns the CPU time that all threads of a process have used, to
// the nanosecond: the clock that clock_getcpuclockid(3) gives.
func processCPU(pid int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|sched, &t); err != nil {
		return 0, fmt.Errorf("reading the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// residentKiB returns a process's resident memory: proc(5), VmRSS.
func residentKiB(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("reading resident memory: %w", err)
	}
	_, after, found := strings.Cut(string(status), "\nVmRSS:")
	if fields := strings.Fields(after); found && len(fields) > 0 {
		return strconv.Atoi(fields[0])
	}
	return 0, fmt.Errorf("process %d has no VmRSS", pid)
}

// onProxyProcessor calls begin, which starts a process, so that the process runs
// on the last of this machine's processors alone. With a single processor there
// is nothing to choose.
func onProxyProcessor(begin func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, last unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return fmt.Errorf("asking for the processors: %w", err)
	}
	for cpu := len(all)*64 - 1; cpu >= 0 && last.Count() == 0; cpu-- {
		if all.IsSet(cpu) {
			last.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &last); err != nil {
		return fmt.Errorf("choosing a processor: %w", err)
	}
	err := begin()
	if back := unix.SchedSetaffinity(0, &all); err == nil && back != nil {
		return fmt.Errorf("choosing all processors again: %w", back)
	}
	return err
}
