package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	sizes  []int         // bytes of each answer's body
	slices int           // measurements per row
	slice  time.Duration // of each measurement
	conns  int           // connections kept open to each proxy

	sessions, sockets int           // how many live at once
	idle              time.Duration // how long a process is left alone before its memory is read
	part              string        // what to measure: a name of parts, or "all"
	profile           string        // file to write a CPU profile to, instead of measuring; "" = none
	profileLasts      time.Duration // of each mode, whole seconds; the first, twice as long
	write, run        string        // page to write the tables into, and between which of its markers
	args              []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			os.Exit(2)
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == bareCommand {
		return serveBare(args[1:], out)
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	measure := bench
	if o.profile != "" {
		measure = profile
	}
	if err := measure(ctx, o, out); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted: %w", ctx.Err()) // all else follows from that
		}
		return err
	}
	return nil
}

func parse(args []string) (options, error) {
	o := options{args: args}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	sizes := flags.String("sizes", "1024,65536,1048576", "bytes of the app's answers, one table each")
	flags.IntVar(&o.slices, "slices", 20, "measurements of each row of the first table; others have half as many")
	flags.DurationVar(&o.slice, "slice", 500*time.Millisecond, "length of a measurement")
	flags.IntVar(&o.conns, "conns", 64, "connections kept open")
	flags.IntVar(&o.sessions, "sessions", 100_000, "sessions whose memory is measured; 0 = none")
	flags.IntVar(&o.sockets, "websockets", 10_000, "WebSockets whose memory is measured; 0 = none")
	flags.DurationVar(&o.idle, "idle", 2*time.Second, "how long a process is left alone before its memory is read")
	flags.StringVar(&o.part, "part", allParts, "what to measure: all, requests, assertion, latency or processes")
	flags.StringVar(&o.profile, "profile", "", "measure nothing, but write the CPU profile of Sallyport under load to this `file`")
	flags.DurationVar(&o.profileLasts, "profile-time", 8*time.Second, "how long each mode is profiled, in whole seconds")
	flags.StringVar(&o.write, "write", "", "also write the tables into this `page`, between its markers of -run")
	flags.StringVar(&o.run, "run", "second", "name of the run in the page: quiet or second")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for field := range strings.SplitSeq(*sizes, ",") {
		size, err := strconv.Atoi(field)
		if err != nil || size < 1 || size > maxBody {
			return o, fmt.Errorf("-sizes has %q, which is no number from 1 to %d", field, maxBody)
		}
		o.sizes = append(o.sizes, size)
	}
	if o.slices < 1 || o.slice <= 0 || o.conns < 1 || o.sessions < 0 || o.sockets < 0 || flags.NArg() > 0 {
		return o, errors.New("-slices, -slice and -conns must be above zero, -sessions and -websockets not below, and there are no arguments")
	}
	if o.profileLasts < time.Second || o.profileLasts%time.Second != 0 {
		return o, fmt.Errorf("-profile-time is %v; it must be whole seconds", o.profileLasts)
	}
	if parts[o.part] == nil {
		return o, fmt.Errorf("-part is %q; it must be all, requests, assertion, latency or processes", o.part)
	}
	return o, nil
}
