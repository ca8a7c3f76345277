package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// options are the flags; the defaults take about a minute.
type options struct {
	size   int           // bytes of each answer's body
	slices int           // measurements per proxy
	slice  time.Duration // of each measurement
	conns  int           // connections kept open to the proxy
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
	o := options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.size, "size", 1024, "bytes of each answer's body, e.g. 1024, 65536 or 1048576")
	flags.IntVar(&o.slices, "slices", 20, "measurements per proxy")
	flags.DurationVar(&o.slice, "slice", 800*time.Millisecond, "length of a measurement")
	flags.IntVar(&o.conns, "conns", 64, "connections kept open")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.size < 1 || o.slices < 1 || o.slice <= 0 || o.conns < 1 {
		return errors.New("size, slices, slice and conns must be above zero")
	}
	return bench(ctx, o, out)
}

func bench(ctx context.Context, o options, out io.Writer) error {
	dir, err := os.MkdirTemp("", "sallyport-bench-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer os.RemoveAll(dir)

	app := startApp(o.size)
	defer app.Close()

	binary := filepath.Join(dir, "sallyport")
	if err := build(ctx, binary); err != nil {
		return err
	}
	rig, err := newRig("Sallyport, signed in", binary, app.URL)
	if err != nil {
		return err
	}
	defer rig.provider.Close()
	sallyport, start, err := rig.signedIn(ctx)
	if err != nil {
		return err
	}
	defer sallyport.stop()
	defaults, err := startBare(ctx, "bare ReverseProxy, default transport", transportDefault, app.URL)
	if err != nil {
		return err
	}
	defer defaults.stop()
	pooled, err := startBare(ctx, "bare ReverseProxy, sized pools", transportPool, app.URL)
	if err != nil {
		return err
	}
	defer pooled.stop()

	// The bare proxies get the same request bytes, cookie included.
	defaults.cookie, pooled.cookie = sallyport.cookie, sallyport.cookie
	proxies := []*proxy{defaults, pooled, sallyport}
	redis, err := startRedis(ctx, dir)
	if err != nil {
		return err
	}
	if redis != nil {
		defer redis.stop()
		stored, err := redis.sallyport(ctx, binary, app.URL)
		if err != nil {
			return err
		}
		defer stored.stop()
		proxies = append(proxies, stored)
	}
	samples, err := measure(ctx, proxies, load{body: app.body, conns: o.conns, lasts: o.slice}, o.slices)
	if err != nil {
		return err
	}
	if err := report(out, o, proxies, samples, start); err != nil || redis == nil {
		return err
	}
	return redis.report(ctx, out, samples[len(samples)-1])
}

// measure alternates slices of load between the proxies. Its first round warms
// up and does not count.
func measure(ctx context.Context, proxies []*proxy, l load, slices int) ([][]sample, error) {
	samples := make([][]sample, len(proxies))
	for round := range slices + 1 {
		for i, p := range proxies {
			s, err := l.run(ctx, p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			if round > 0 {
				samples[i] = append(samples[i], s)
			}
		}
	}
	return samples, nil
}
