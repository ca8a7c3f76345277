// Command sallyport is a reverse proxy that signs people in by OpenID Connect
// and tells the app behind it who they are.
//
// This package is the composition root: the only one that reads environment,
// flags and clock. A start goes through it like this. main hands arguments and
// environment to run, which picks the command. serve reads the environment into
// a Config (config.go, environ.go), judges it into settings (settings.go,
// validate*.go), makes the objects that do the work (wire.go), opens the
// listeners (listen.go) and runs until it is told to stop (serve.go). demo
// writes a Config of its own and then goes the same way.
//
// # Trust
//
// Whoever sets the environment and the files it names is trusted completely.
// They make mistakes all the same: every value is judged before anything
// starts, and nothing here ever prints a secret.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// The exit codes of every command.
const (
	exitOK     = 0
	exitFailed = 1 // what was asked for did not work out
	exitUsage  = 2 // a wrong command line or configuration
)

const usageText = `Sallyport signs people in by OpenID Connect in front of an app.

usage: sallyport [command] [flags]

  serve                        serve as the environment says (default)
  demo                         an identity provider, an app and the proxy on
                               loopback, without any configuration
  check [--json]               examine configuration, provider and app; exits
                               with 1 when something fails
  check --explain METHOD PATH [--as claims.json [--idp id]]
                               say which rule decides about a request, and what
                               becomes of somebody with these claims of an ID token
                               of the provider that their iss names, or this one
  check --register             print what to enter at the provider, in the words
                               of its console
  health                       ask the admin listener of the process that has
                               the same environment whether it runs; for the
                               health check of a container
  config [--markdown|--env]    the reference of all variables
  sessions list USER           list somebody's sessions, by sub, user name or e-mail
  sessions end ID              end one of them
  sessions end --user USER     end all of somebody's; these ask the running process
                               at its admin listener, or at --admin-url URL, with
                               SALLYPORT_ADMIN_TOKEN; --json prints JSON
  migrate PRODUCT              print the environment of oauth2-proxy or wonderwall
                               as ours
  keygen                       print a fresh value for SALLYPORT_SECRET
  version                      print version, Go version and revision

Configuration is read from SALLYPORT_* variables: see sallyport config.
A wrong command line or configuration exits with 2.
`

// process is what a command may touch of the outside.
type process struct {
	environ []string
	stdout  io.Writer
	stderr  io.Writer
	now     func() time.Time
}

func main() {
	// net/http writes there when an app's answer is odd, with the answer in it, which is
	// no line of our log and may hold secrets. What matters of it is logged by us.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the default action comes back, so that a second
	// one ends the process at once.
	context.AfterFunc(ctx, stop)
	collectByWork(os.Environ(), debug.SetGCPercent)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is the whole program: it returns the exit code. The end of ctx is the
// request to stop.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	out := &heededWriter{w: stdout}
	p := &process{environ: environ, stdout: out, stderr: stderr, now: time.Now}
	code := p.run(ctx, args)
	if code == exitOK && out.err != nil {
		fmt.Fprintf(stderr, "sallyport: writing the output: %v\n", out.err)
		return exitFailed
	}
	return code
}

// heededWriter remembers that a write failed: a key that did not get onto a full disk
// is none.
type heededWriter struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (h *heededWriter) Write(b []byte) (int, error) {
	n, err := h.w.Write(b)
	if err != nil {
		h.err = err
	}
	return n, err
}

// run picks the command.
func (p *process) run(ctx context.Context, args []string) int {
	command := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	for _, a := range args {
		switch a {
		case "-h", "-help", "--help":
			command, args = "help", nil
		case "-version", "--version":
			command, args = "version", nil
		}
	}
	if command == "check" && len(args) > 0 && strings.TrimLeft(args[0], "-") == "explain" {
		return p.explain(args[1:])
	}
	switch command {
	case "help":
		fmt.Fprint(p.stdout, usageText)
		return exitOK
	case "serve":
		return p.withFlags(args, nil, func(map[string]bool) int { return p.serve(ctx) })
	case "demo":
		return p.withFlags(args, nil, func(map[string]bool) int { return p.demo(ctx) })
	case "check":
		return p.withFlags(args, []string{"json", "register"}, func(f map[string]bool) int {
			switch {
			case f["json"] && f["register"]:
				return p.usage("--json and --register exclude each other")
			case f["register"]:
				return p.register()
			}
			return p.check(ctx, f["json"])
		})
	case "health":
		return p.withFlags(args, nil, func(map[string]bool) int { return p.health(ctx) })
	case "config":
		return p.withFlags(args, []string{"markdown", "env"}, p.config)
	case "sessions":
		return p.sessions(ctx, args)
	case "migrate":
		return p.migrate(args)
	case "keygen":
		return p.withFlags(args, nil, func(map[string]bool) int { return p.keygen() })
	case "version":
		return p.withFlags(args, nil, func(map[string]bool) int {
			fmt.Fprintln(p.stdout, readBuild())
			return exitOK
		})
	}
	return p.usage(fmt.Sprintf("unknown command %q", command))
}

// withFlags calls f with the flags given, all of which are switches, if it
// knows them all.
func (p *process) withFlags(args, known []string, f func(map[string]bool) int) int {
	given := make(map[string]bool)
	for _, a := range args {
		found := false
		for _, k := range known {
			if a == "-"+k || a == "--"+k {
				given[k], found = true, true
			}
		}
		if !found && strings.HasPrefix(a, "-") {
			return p.usage(fmt.Sprintf("unknown flag %q", a))
		}
		if !found {
			return p.usage(fmt.Sprintf("unexpected argument %q", a))
		}
	}
	return f(given)
}

// usage says what was wrong with the command line.
func (p *process) usage(problem string) int {
	fmt.Fprintf(p.stderr, "sallyport: %s\n\n%s", problem, usageText)
	return exitUsage
}

// config prints the reference.
func (p *process) config(flags map[string]bool) int {
	switch {
	case flags["markdown"] && flags["env"]:
		return p.usage("--markdown and --env exclude each other")
	case flags["markdown"]:
		markdown(p.stdout, inReference())
	case flags["env"]:
		envFile(p.stdout, inReference())
	default:
		plain(p.stdout, inReference())
	}
	return exitOK
}

// refuse prints every configuration fault.
func (p *process) refuse(err error) int {
	all := flatten(err)
	fmt.Fprintf(p.stderr, "sallyport: the configuration has %d fault(s):\n", len(all))
	for _, e := range all {
		fmt.Fprintf(p.stderr, "  - %s\n", e)
	}
	fmt.Fprint(p.stderr, "sallyport config lists all variables; sallyport demo needs none.\n")
	return exitUsage
}
