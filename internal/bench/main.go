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
	"time"
)

// options are the flags.
type options struct {
	sizes  []int         // bytes of each answer's body
	slices int           // measurements per row
	slice  time.Duration // of each measurement
	conns  int           // connections kept open to each proxy
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
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
	return bench(ctx, o, out)
}

func parse(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	sizes := flags.String("sizes", "1024,65536,1048576", "bytes of the app's answers, one table each")
	flags.IntVar(&o.slices, "slices", 15, "measurements per row")
	flags.DurationVar(&o.slice, "slice", 600*time.Millisecond, "length of a measurement")
	flags.IntVar(&o.conns, "conns", 64, "connections kept open")
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
	if o.slices < 1 || o.slice <= 0 || o.conns < 1 || flags.NArg() > 0 {
		return o, errors.New("-slices, -slice and -conns must be above zero, and there are no arguments")
	}
	return o, nil
}

func bench(ctx context.Context, o options, out io.Writer) error {
	w, err := newWorld(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.cpus.apart(); err != nil {
		return err
	}
	defer w.cpus.together()
	s, err := w.proxies(ctx)
	if err != nil {
		return err
	}
	l := load{conns: o.conns, lasts: o.slice}
	for i, size := range o.sizes {
		rows := s.signedIn(w.app, size)
		title := fmt.Sprintf("Signed in, %s", bytesText(size))
		if i == 0 {
			rows = append(rows, s.others(w.app, size)...)
			title += ", and the answers that are not the app's"
		}
		all, err := measure(ctx, rows, l, o.slices)
		if err != nil {
			return err
		}
		note := fmt.Sprintf("%d connections, %d slices of %v; medians (quartiles).", o.conns, o.slices, o.slice)
		fmt.Fprintln(out, cpuTable(title, note, all).markdown())
	}
	return nil
}

// bytesText is a size for people.
func bytesText(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
