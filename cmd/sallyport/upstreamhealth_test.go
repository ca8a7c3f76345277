package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestUpstreamHealthIsAskedSparingly: /readyz may be asked as often as anybody likes.
func TestUpstreamHealthIsAskedSparingly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		var ill error
		var log bytes.Buffer
		h := &upstreamHealth{timeout: time.Second, now: time.Now, log: slog.New(slog.NewTextHandler(&log, nil)), ask: func(context.Context) error {
			asked.Add(1)
			return ill
		}}
		want := func(times int32, err error) {
			t.Helper()
			if got := h.check(t.Context()); !errors.Is(got, err) {
				t.Errorf("got %v, want %v", got, err)
			}
			if n := asked.Load(); n != times {
				t.Errorf("the app was asked %d times, want %d", n, times)
			}
		}
		want(1, nil)
		ill = errors.New("ill")
		time.Sleep(healthKept - time.Nanosecond)
		want(1, nil)
		time.Sleep(time.Nanosecond)
		want(2, ill)
		want(2, ill)
		time.Sleep(healthKept)
		want(3, ill)
		ill = nil
		time.Sleep(healthKept)
		want(4, nil)
		if strings.Count(log.String(), "is not well") != 1 || strings.Count(log.String(), "well again") != 1 {
			t.Errorf("want one line for each change:\n%s", log.String())
		}
	})
}

// TestUpstreamHealthIsAskedOnceAtATime: whoever asks meanwhile waits for the same
// answer, and who goes away takes it from nobody.
func TestUpstreamHealthIsAskedOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		h := &upstreamHealth{timeout: 2 * time.Second, now: time.Now, log: slog.New(slog.DiscardHandler), ask: func(ctx context.Context) error {
			asked.Add(1)
			<-ctx.Done()
			return errors.New("too late")
		}}
		hasty, leave := context.WithCancel(t.Context())
		answers := make(chan string, 50)
		for i := range 50 {
			ctx := t.Context()
			if i == 0 {
				ctx = hasty
			}
			go func() { answers <- h.check(ctx).Error() }()
			synctest.Wait()
		}
		leave()
		if got := <-answers; got != "the app has not answered yet" {
			t.Errorf("who left got %q", got)
		}
		begin := time.Now()
		for range 49 {
			if got := <-answers; got != "too late" {
				t.Errorf("got %q", got)
			}
		}
		if n := asked.Load(); n != 1 || time.Since(begin) != 2*time.Second {
			t.Errorf("%d questions, %s", n, time.Since(begin))
		}
	})
}

// TestReadyzWithUpstreamHealth: by name, and only if asked for.
func TestReadyzWithUpstreamHealth(t *testing.T) {
	for _, tc := range []struct {
		health, want string // want is of the check; "" = there is none
		status       int
	}{
		{"off", "", 200},
		{"connect", "ok", 200},
		{"/healthz", "the app answers GET /healthz with 503 Service Unavailable", 503},
		{"/", "ok", 200},
	} {
		t.Run(strings.Trim(tc.health, "/"), func(t *testing.T) {
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/healthz" {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}))
			defer app.Close()
			r := start(t, []string{"serve"}, serving(newProvider(t), app.URL, map[string]string{"SALLYPORT_UPSTREAM_HEALTH": tc.health}))
			admin := r.address("admin")
			var status int
			var body string
			eventually(t, "discovery", func() bool {
				status, body = get(t, "http://"+admin+"/readyz")
				return strings.Contains(body, `"provider":"ok"`)
			})
			if status != tc.status || strings.Contains(body, `"upstream"`) != (tc.want != "") || tc.want != "" && !strings.Contains(body, `"upstream":"`+tc.want+`"`) {
				t.Errorf("%d %s, want %d and %q", status, body, tc.status, tc.want)
			}
		})
	}
}
