package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func ask(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestReadyz(t *testing.T) {
	var provider error = errors.New("discovery: connection refused")
	r := &readiness{checks: []readyCheck{
		{"provider", func(context.Context) error { return provider }},
		{"store", func(context.Context) error { return nil }},
	}}
	read := func(wantStatus int) report {
		t.Helper()
		w := ask(t, r, http.MethodGet, "/readyz")
		if w.Code != wantStatus {
			t.Errorf("status %d, want %d", w.Code, wantStatus)
		}
		var rep report
		if err := json.Unmarshal(w.Body.Bytes(), &rep); err != nil {
			t.Fatal(err)
		}
		return rep
	}
	if rep := read(http.StatusServiceUnavailable); rep.Ready || rep.Checks["provider"] != "discovery: connection refused" || rep.Checks["store"] != "ok" {
		t.Errorf("while the provider is down: %+v", rep)
	}
	provider = nil
	if rep := read(http.StatusOK); !rep.Ready {
		t.Errorf("when all is well: %+v", rep)
	}
	r.stop()
	if rep := read(http.StatusServiceUnavailable); rep.Ready || rep.Checks["shutdown"] == "ok" {
		t.Errorf("while stopping: %+v", rep)
	}
}

func TestAdminEndpoints(t *testing.T) {
	for _, profile := range []bool{false, true} {
		h := newAdmin(&readiness{}, newRegistry(readBuild()), profile, nil, slog.New(slog.DiscardHandler)).Handler
		want := map[string]int{
			"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 404, "/debug/vars": 404, "/config": 404, "/sessions": 404,
			"/debug/pprof/": 404, "/debug/pprof/heap": 404,
		}
		if profile {
			want["/debug/pprof/"], want["/debug/pprof/heap"] = 200, 200
		}
		for path, status := range want {
			if got := ask(t, h, http.MethodGet, path).Code; got != status {
				t.Errorf("OP-06 pprof=%v: GET %s is %d, want %d", profile, path, got, status)
			}
		}
		if got := ask(t, h, http.MethodPost, "/metrics").Code; got != http.StatusMethodNotAllowed {
			t.Errorf("POST /metrics is %d, want 405", got)
		}
	}
}

func TestBuildInfo(t *testing.T) {
	registry := newRegistry(build{Version: "v1.2.3", Go: "go1.26"})
	h := newAdmin(&readiness{}, registry, false, nil, slog.New(slog.DiscardHandler)).Handler
	body := ask(t, h, http.MethodGet, "/metrics").Body.String()
	if !strings.Contains(body, `sallyport_build_info{goversion="go1.26",version="v1.2.3"} 1`) {
		t.Errorf("no build_info:\n%s", body)
	}
}
