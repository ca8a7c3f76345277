package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/idp/demoidp"
	"github.com/sallyport/sallyport/internal/demoapp"
	"github.com/sallyport/sallyport/session"
)

// The demo's preferred ports on loopback; a busy one is replaced by a free one.
const (
	demoProxyPort    = 4180
	demoProviderPort = 4181
	demoAppPort      = 4182
	demoAdminPort    = 4190
)

const demoClientID = "sallyport-demo"

// The proxy and the provider have different host names, so that they are
// different sites to the browser, as they are in earnest.
const (
	demoProxyHost    = "localhost"
	demoProviderHost = "127.0.0.1"
)

// demo runs a provider, an app and the proxy in one process. What is set in
// the environment applies, except where the demo has to decide by itself.
func (p *process) demo(ctx context.Context) int {
	d, err := openDemo(ctx)
	if err != nil {
		fmt.Fprintf(p.stderr, "sallyport: %v\n", err)
		return exitFailed
	}
	defer d.close()
	s, err := load(d.environ(p.environ))
	if err != nil {
		return p.refuse(err)
	}
	logger, lines := newLogger(p.stderr, s.Logging.Format, s.logLevel)
	if err := d.start(s, logger); err != nil {
		fmt.Fprintf(p.stderr, "sallyport: starting the demo: %v\n", err)
		return exitFailed
	}
	fmt.Fprint(p.stdout, d.welcome(s))
	return p.runSite(ctx, s, listeners{proxy: d.proxy, admin: d.admin}, parts{logger: logger, lines: lines})
}

// demo is the surroundings of a proxy that has none.
type demo struct {
	proxy, provider, app, admin net.Listener
	key                         session.Key
	clientSecret                string
	servers                     []*http.Server
}

func openDemo(ctx context.Context) (*demo, error) {
	d := &demo{key: session.GenerateKey(), clientSecret: rand.Text()}
	for _, door := range []struct {
		listener *net.Listener
		port     int
	}{{&d.proxy, demoProxyPort}, {&d.provider, demoProviderPort}, {&d.app, demoAppPort}, {&d.admin, demoAdminPort}} {
		l, err := listenNear(ctx, door.port)
		if err != nil {
			d.close()
			return nil, fmt.Errorf("opening a port for the demo: %w", err)
		}
		*door.listener = l
	}
	return d, nil
}

// listenNear opens the preferred port on loopback, or a free one when another
// process has it.
func listenNear(ctx context.Context, port int) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES) {
		return lc.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	return l, err
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (d *demo) publicURL() string { return "http://" + demoProxyHost + ":" + portOf(d.proxy) }
func (d *demo) issuer() string    { return "http://" + demoProviderHost + ":" + portOf(d.provider) }

// environ is the demo's configuration: what is given, under what the demo has
// to decide.
func (d *demo) environ(given []string) []string {
	defaults := []string{
		"SALLYPORT_LOG_LEVEL=warn", "SALLYPORT_ACCESS_LOG=false",
	}
	decided := []string{
		"SALLYPORT_LISTEN=" + d.proxy.Addr().String(),
		"SALLYPORT_ADMIN_LISTEN=" + d.admin.Addr().String(),
		"SALLYPORT_PUBLIC_URL=" + d.publicURL(),
		"SALLYPORT_UPSTREAM=http://" + d.app.Addr().String(),
		"SALLYPORT_SECRET=" + d.key.Encode(),
		"SALLYPORT_OIDC_PROVIDER=", "SALLYPORT_OIDC_ISSUER=" + d.issuer(),
		"SALLYPORT_OIDC_DISCOVERY_URL=",
		"SALLYPORT_OIDC_CLIENT_ID=" + demoClientID,
		"SALLYPORT_OIDC_CLIENT_SECRET=" + d.clientSecret,
		"SALLYPORT_OIDC_CLIENT_AUTH=client_secret_basic",
		"SALLYPORT_SECRET_FILE=", "SALLYPORT_OIDC_CLIENT_SECRET_FILE=",
		"SALLYPORT_TLS_CERT_FILE=", "SALLYPORT_TLS_KEY_FILE=",
	}
	given = slices.DeleteFunc(slices.Clone(given), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return numberedVariable.MatchString(name) // the demo has a provider of its own, alone
	})
	return append(append(defaults, given...), decided...)
}

// start runs provider and app.
func (d *demo) start(s *settings, logger *slog.Logger) error {
	provider, err := demoidp.New(demoidp.Config{
		Issuer: d.issuer(),
		Clients: []demoidp.Client{{
			ID: demoClientID, Secret: d.clientSecret,
			RedirectURIs:           []string{s.endpoint("/callback")},
			PostLogoutRedirectURIs: []string{s.endpoint("/logout/callback")},
			BackChannelLogoutURI:   s.endpoint("/logout/backchannel"),
		}},
		Logger: logger,
	})
	if err != nil {
		return err
	}
	app := demoapp.New(demoapp.Config{
		LogoutPath: s.path("/logout"),
		Links: []demoapp.Link{
			{Label: "Your sessions", URL: s.path("/sessions")},
			{Label: "The session at the identity provider", URL: d.issuer() + "/account"},
		},
	})
	d.serve(d.provider, provider.Handler())
	d.serve(d.app, app)
	return nil
}

func (d *demo) serve(l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	d.servers = append(d.servers, server)
	go server.Serve(l)
}

func (d *demo) close() {
	for _, s := range d.servers {
		s.Close()
	}
	for _, l := range []net.Listener{d.proxy, d.provider, d.app, d.admin} {
		if l != nil {
			l.Close()
		}
	}
}

// welcome says where to click.
func (d *demo) welcome(s *settings) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nSallyport demo: an identity provider, an app and the proxy, on this machine alone.\n\n")
	fmt.Fprintf(&b, "  open          %s/\n", d.publicURL())
	fmt.Fprintf(&b, "  and sign in as one of\n")
	for _, person := range demoidp.DefaultPeople() {
		fmt.Fprintf(&b, "                %-14s %-20s %s\n", person.Name, person.Email, strings.Join(person.Groups, ", "))
	}
	fmt.Fprintf(&b, "\n  sign out      %s\n", s.endpoint("/logout"))
	fmt.Fprintf(&b, "  sessions      %s   (where somebody is signed in)\n", s.endpoint("/sessions"))
	fmt.Fprintf(&b, "  provider      %s/account   (its own session can be ended here)\n", d.issuer())
	fmt.Fprintf(&b, "  app, bare     http://%s/   (what it sees without the proxy)\n", d.app.Addr())
	fmt.Fprintf(&b, "  metrics       http://%s/metrics\n", d.admin.Addr())
	fmt.Fprintf(&b, "\nCtrl-C stops everything; nothing is kept.\n\n")
	return b.String()
}
