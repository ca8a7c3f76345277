package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport/sallyport/proxy"
)

// serve reads the environment and serves until ctx ends.
func (p *process) serve(ctx context.Context) int {
	s, err := load(p.environ)
	if err != nil {
		return p.refuse(err)
	}
	logger, lines := newLogger(p.stderr, s.Logging.Format, s.logLevel)
	ls, err := openListeners(ctx, s.Network)
	if err != nil {
		fmt.Fprintf(p.stderr, "sallyport: %v\n", err)
		return exitFailed
	}
	return p.runSite(ctx, s, ls, parts{logger: logger, lines: lines})
}

// listeners are the open doors of one process; admin is nil when it is off.
type listeners struct{ proxy, admin net.Listener }

func openListeners(ctx context.Context, n NetworkConfig) (listeners, error) {
	var ls listeners
	var err error
	if ls.proxy, err = listen(ctx, "SALLYPORT_LISTEN", n.Listen); err != nil {
		return listeners{}, err
	}
	if n.AdminListen == adminOff {
		return ls, nil
	}
	if ls.admin, err = listen(ctx, "SALLYPORT_ADMIN_LISTEN", n.AdminListen); err != nil {
		ls.close()
		return listeners{}, err
	}
	return ls, nil
}

func (ls listeners) close() {
	ls.proxy.Close()
	if ls.admin != nil {
		ls.admin.Close()
	}
}

// runSite is what serve and demo have in common: it serves s on ls until ctx
// ends, then stops in order, and returns the exit code.
func (p *process) runSite(ctx context.Context, s *settings, ls listeners, with parts) int {
	with.now, with.build = p.now, readBuild()
	a, err := assemble(s, with)
	if err != nil {
		ls.close()
		return p.refuse(err)
	}
	a.announce(ls)

	// What works in the background goes on until the last request is answered.
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	var workers sync.WaitGroup
	for _, work := range a.workers {
		workers.Go(func() { work(background) })
	}
	failed := make(chan error, 2)
	go func() { failed <- a.serveProxy(ls.proxy) }()
	if !isTerminal(p.stderr) {
		workers.Go(func() { heedHangups(background, a.logger) })
	}
	if ls.admin != nil {
		go func() { failed <- a.admin.Serve(ls.admin) }()
	}

	code := exitOK
	select {
	case <-ctx.Done():
		a.drain(context.WithoutCancel(ctx), ls.proxy, failed)
	case err := <-failed:
		a.lines.Prompt()
		a.logger.Error("a listener failed; the process ends", "error", err)
		code = exitFailed
	}
	a.server.Close()
	stopBackground()
	workers.Wait()
	if err := a.store.close(); err != nil {
		a.logger.Error("closing the session store", "error", err)
	}
	a.admin.Close()
	a.logger.Info("stopped")
	return code
}

func (a *app) serveProxy(l net.Listener) error {
	l = proxy.NewProxyProtocol(l, proxy.ProxyProtocolConfig{
		Mode: proxy.ProxyProtocol(a.settings.Network.ProxyProtocol), Trusted: a.settings.trusted, TrustUnix: a.settings.trustUnix,
		HeaderTimeout: a.settings.Limits.HeaderTimeout, Now: a.now, Logger: a.logger,
	})
	if a.server.TLSConfig != nil {
		return a.server.ServeTLS(l, "", "")
	}
	return a.server.Serve(l)
}

// drain stops in order: /readyz says no, the proxy serves on until load
// balancers have noticed, then takes no new connections, and streams are told to come
// back elsewhere and accepted requests may finish.
func (a *app) drain(ctx context.Context, door net.Listener, failed <-chan error) {
	limits := a.settings.Limits
	a.ready.stop()
	a.lines.Prompt() // a second signal ends the process without notice
	a.logger.Info("stopping", "delay", limits.ShutdownDelay.String(), "timeout", limits.ShutdownTimeout.String())
	select {
	case <-time.After(limits.ShutdownDelay):
	case err := <-failed:
		a.logger.Error("a listener failed while stopping", "error", err)
	}
	ctx, cancel := context.WithTimeout(ctx, limits.ShutdownTimeout)
	defer cancel()
	a.site.Leave()
	closeDoor(ctx, door, time.After(lastRequests))
	var streams sync.WaitGroup
	streams.Go(func() {
		if err := a.site.CloseStreams(ctx); err != nil {
			a.logger.Warn("streams were still open at the end of SALLYPORT_SHUTDOWN_TIMEOUT", "error", err)
		}
	})
	err := a.server.Shutdown(ctx)
	streams.Wait()
	if errors.Is(err, context.DeadlineExceeded) {
		a.logger.Warn("requests were still open at the end of SALLYPORT_SHUTDOWN_TIMEOUT and are cut", "timeout", limits.ShutdownTimeout.String())
	} else if err != nil && !errors.Is(err, http.ErrServerClosed) {
		a.logger.Error("closing the proxy listener", "error", err)
	}
	if err := a.manager.Drain(ctx); err != nil {
		a.logger.Warn("refreshes of sessions were still under way at the end of SALLYPORT_SHUTDOWN_TIMEOUT; what the provider has renewed and the store does not have is lost, and those people sign in again", "error", err)
	}
}
