package main

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"
)

// readyTimeout bounds one answer of /readyz.
const readyTimeout = 2 * time.Second

// readiness answers whether traffic may come. It is safe for concurrent use.
type readiness struct {
	checks   []readyCheck
	stopping atomic.Bool
}

// readyCheck is one thing that has to work before traffic may come.
type readyCheck struct {
	name string
	ask  func(context.Context) error
}

// stop makes every later answer a "no": a shutdown has begun.
func (r *readiness) stop() { r.stopping.Store(true) }

// report is the body of /readyz.
type report struct {
	Ready  bool              `json:"ready"`
	Checks map[string]string `json:"checks"` // "ok", or why not
}

func (r *readiness) report(ctx context.Context) report {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	rep := report{Ready: true, Checks: make(map[string]string)}
	for _, c := range r.checks {
		rep.Checks[c.name] = "ok"
		if err := c.ask(ctx); err != nil {
			rep.Ready, rep.Checks[c.name] = false, err.Error()
		}
	}
	rep.Checks["shutdown"] = "ok"
	if r.stopping.Load() {
		rep.Ready, rep.Checks["shutdown"] = false, "the process is shutting down"
	}
	return rep
}

// ServeHTTP implements http.Handler: 200 or 503, and JSON that names what is
// not ready.
func (r *readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	rep := r.report(req.Context())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !rep.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(rep)
}
