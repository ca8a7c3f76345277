package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the bare proxy, as the program itself is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		if err := serveBare(os.Args[2:], os.Stdout); err != nil {
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// A whole run, too short to measure anything: every answer is still checked.
func TestRun(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), []string{"-size", "100000", "-slices", "2", "-slice", "50ms", "-conns", "4"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"default transport", "sized pools", "Sallyport, signed in", "MiB resident"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}

func TestLoadRefusesWrongAnswers(t *testing.T) {
	tests := []struct {
		name   string
		answer http.HandlerFunc
		why    string
	}{
		{"status", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }, "502"},
		{"identity", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(echoHeader, "eve@example.com")
			w.Write([]byte("body"))
		}, "eve@example.com"},
		{"body", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("bodx")) }, "not the app's"},
		{"short body", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("bod")) }, "reading a body"},
		{"long body", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("body!")) }, "longer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.answer)
			defer server.Close()
			l := load{body: []byte("body"), conns: 1, lasts: time.Millisecond}
			_, err := l.run(t.Context(), &proxy{addr: server.Listener.Addr().String(), pid: os.Getpid()})
			if err == nil || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("error is %v, want one with %q", err, tt.why)
			}
		})
	}
}

// The clock is that of the other process: it moves with what that one does.
func TestProcessCPUCountsWork(t *testing.T) {
	before, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for time.Since(began) < 50*time.Millisecond {
	}
	after, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after <= before {
		t.Errorf("the CPU clock went from %v to %v", before, after)
	}
	if _, err := processCPU(1 << 25); err == nil {
		t.Error("a process beyond any pid_max has a CPU clock")
	}
}

// Both bare proxies pass the load's requests on, as processes of their own.
func TestBareProxies(t *testing.T) {
	app := startApp(1024)
	defer app.Close()
	for _, transport := range []string{transportDefault, transportPool} {
		t.Run(transport, func(t *testing.T) {
			p, err := startBare(t.Context(), transport, transport, app.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer p.stop()
			samples, err := measure(t.Context(), []*proxy{p}, load{body: app.body, conns: 4, lasts: 50 * time.Millisecond}, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range samples[0] {
				if s.requests == 0 || s.cpu <= 0 {
					t.Errorf("sample %+v measured nothing", s)
				}
				t.Logf("%.1f µs per request", s.perRequest())
			}
			if kib, err := residentKiB(p.pid); err != nil || kib < 1024 {
				t.Errorf("%d KiB resident, %v", kib, err)
			}
		})
	}
}
