package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

const unixScheme = "unix://"

// socketMode lets the owner and the group of a unix socket connect: a reverse
// proxy in front shares the group.
const socketMode = 0o660

// listen opens host:port or unix:///path. A socket that a dead process left
// behind is removed; one that somebody listens on, or a path that is no socket,
// is an error.
func listen(ctx context.Context, variable, address string) (net.Listener, error) {
	var lc net.ListenConfig
	path, unix := strings.CutPrefix(address, unixScheme)
	if !unix {
		l, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("opening listener of %s: %w%s", variable, err, listenRemedy(err))
		}
		return l, nil
	}
	if err := removeStaleSocket(ctx, path); err != nil {
		return nil, fmt.Errorf("opening listener of %s: %w", variable, err)
	}
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("opening listener of %s: %w", variable, err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		l.Close()
		return nil, fmt.Errorf("opening listener of %s: %w", variable, err)
	}
	return l, nil
}

func listenRemedy(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "; stop the process that uses the port, or choose another"
	case errors.Is(err, fs.ErrPermission):
		return "; choose a port above 1023, or allow this process to bind lower ones"
	}
	return ""
}

// removeStaleSocket makes room for a socket at path.
func removeStaleSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s exists and is not a socket; remove it or choose another path", path)
	}
	d := net.Dialer{Timeout: time.Second}
	if c, err := d.DialContext(ctx, "unix", path); err == nil {
		c.Close()
		return fmt.Errorf("another process listens on %s; stop it or choose another path", path)
	}
	return os.Remove(path)
}

// addressOf is how a listener's address appears in SALLYPORT_LISTEN and in the log.
func addressOf(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return unixScheme + l.Addr().String()
	}
	return l.Addr().String()
}
