package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/proxy"
)

// The words of SALLYPORT_UPSTREAM_HEALTH beside a path.
const (
	healthOff     = "off"
	healthConnect = "connect"
)

// healthKept is how long one answer of the app serves every /readyz.
const healthKept = 5 * time.Second

// resolveHealth judges SALLYPORT_UPSTREAM_HEALTH and its timeout.
func (s *settings) resolveHealth(f *faults) {
	const name, limit = "SALLYPORT_UPSTREAM_HEALTH", "SALLYPORT_UPSTREAM_HEALTH_TIMEOUT"
	health := s.Upstream.Health
	switch {
	case health != healthOff && s.forwardAuthOnly():
		f.add(name, "is set, but with SALLYPORT_FORWARD_AUTH=only there is no app to ask", "remove it")
	case health == healthOff || health == healthConnect:
	case !strings.HasPrefix(health, "/") || !cleanTarget(health):
		f.add(name, fmt.Sprintf("is %q", health), "use off, connect, or the path of a page that answers 200 while the app is well, such as /healthz")
	}
	if t := s.Upstream.HealthTimeout; t <= 0 || t > readyTimeout {
		f.add(limit, fmt.Sprintf("is %s", t), fmt.Sprintf("give a duration above zero and at most %s, which is what an answer of /readyz may take", readyTimeout))
	}
}

// cleanTarget accepts a path, with a query or without, that is sent as it is written.
func cleanTarget(target string) bool {
	return !strings.HasPrefix(target, "//") && !strings.ContainsFunc(target, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`\#"<>^`+"`{|}", r)
	})
}

// newProbe makes what asks the app: for path, or with a connection alone for "".
func (s *settings) newProbe(path string) (*proxy.Probe, error) {
	cfg := proxy.ProbeConfig{Upstream: s.upstream, CA: s.upstreamCA, Path: path}
	if s.Upstream.PassHost {
		cfg.Host = s.publicURL.Host
	}
	return proxy.NewProbe(cfg)
}

// healthProbe makes what SALLYPORT_UPSTREAM_HEALTH asks for; nil for off.
func (s *settings) healthProbe() (*proxy.Probe, error) {
	switch s.Upstream.Health {
	case healthOff:
		return nil, nil
	case healthConnect:
		return s.newProbe("")
	}
	return s.newProbe(s.Upstream.Health)
}

// upstreamHealth asks the app at most once every healthKept, however many ask for
// readiness, and never twice at a time. It is safe for concurrent use.
type upstreamHealth struct {
	ask     func(context.Context) error
	timeout time.Duration
	now     func() time.Time
	log     *slog.Logger

	mu     sync.Mutex
	flight chan struct{} // closed when the question under way is answered; nil = none is
	last   error
	at     time.Time // of last; zero = never asked
	logged bool      // the app was found to be ill, and that was logged
}

// check returns how the app is. It outlives ctx, since others may wait for the same
// answer; its own timeout ends it.
func (h *upstreamHealth) check(ctx context.Context) error {
	h.mu.Lock()
	if !h.at.IsZero() && h.now().Sub(h.at) < healthKept {
		defer h.mu.Unlock()
		return h.last
	}
	if h.flight == nil {
		h.flight = make(chan struct{})
		go h.refresh(context.WithoutCancel(ctx), h.flight)
	}
	flight := h.flight
	h.mu.Unlock()
	select {
	case <-flight:
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.last
	case <-ctx.Done():
		return errors.New("the app has not answered yet")
	}
}

func (h *upstreamHealth) refresh(ctx context.Context, flight chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	err := h.ask(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.at, h.flight = err, h.now(), nil
	close(flight)
	if ill := err != nil; ill != h.logged {
		h.logged = ill
		if ill {
			h.log.Warn("the app is not well, and /readyz says so", "variable", "SALLYPORT_UPSTREAM_HEALTH", "error", err)
		} else {
			h.log.Info("the app is well again")
		}
	}
}

// checkUpstreamHealth asks what /readyz would ask.
func checkUpstreamHealth(ctx context.Context, s *settings, f *findings) {
	const what, variable = "upstream health", "SALLYPORT_UPSTREAM_HEALTH"
	probe, err := s.healthProbe()
	if err != nil {
		f.fail(what, variable, "cannot be asked: %v", err)
		return
	}
	if probe == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.Upstream.HealthTimeout)
	defer cancel()
	if err := probe.Healthy(ctx); err != nil {
		f.fail(what, variable, "/readyz would answer 503: %v", err)
		return
	}
	asked := "a connection"
	if s.Upstream.Health != healthConnect {
		asked = "GET " + s.Upstream.Health
	}
	f.ok(what, "well by %s, which /readyz asks for at most every %s", asked, healthKept)
}
