package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// healthTimeout is less than the three seconds that a container engine waits.
const healthTimeout = 2 * time.Second

// health asks /healthz of the process that has the same environment. It needs
// SALLYPORT_ADMIN_LISTEN alone and does not judge the rest.
func (p *process) health(ctx context.Context) int {
	c, _ := readConfig(p.environ)
	if err := askHealth(ctx, c.Network.AdminListen); err != nil {
		fmt.Fprintf(p.stderr, "sallyport: not healthy: %v\n", err)
		return exitFailed
	}
	fmt.Fprintln(p.stdout, "ok")
	return exitOK
}

func askHealth(ctx context.Context, address string) error {
	if address == adminOff {
		return errors.New("SALLYPORT_ADMIN_LISTEN is off, so that nobody can be asked; give it an address")
	}
	client := &http.Client{Timeout: healthTimeout, Transport: adminTransport(address)}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/healthz", nil)
	if err != nil {
		return fmt.Errorf("asking the admin listener: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("asking the admin listener at %s: %w", address, err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the admin listener at %s answers %s", address, resp.Status)
	}
	return nil
}

// reachable turns an address to listen on into one to connect to: "any
// address" becomes loopback.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if host == "" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}
