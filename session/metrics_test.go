package session_test

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sallyport/sallyport/session"
)

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		if n, err := testutil.GatherAndCount(w.registry, "sallyport_store_operation_duration_seconds"); err != nil || n != 6*4 {
			t.Errorf("%d series of store durations from the start (%v), want 6 operations by 4 outcomes", n, err)
		}
		if n, err := testutil.GatherAndCount(w.registry, "sallyport_session_ends_total"); err != nil || n != len(session.Reasons()) {
			t.Errorf("%d series of session ends from the start (%v), want %d", n, err, len(session.Reasons()))
		}
		a, b, c, d := &browser{}, &browser{}, &browser{}, &browser{}
		w.signIn(t, a, "alice")
		w.signIn(t, a, "alice") // replaces
		w.signIn(t, b, "bob")   // signs out
		w.signIn(t, c, "carol") // goes away
		w.signIn(t, d, "dave")  // stays until the absolute limit
		if _, err := w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson); err != nil {
			t.Fatal(err)
		}
		wantGauge(t, w.registry, "sallyport_sessions_active", "", 3)
		for range 24 {
			time.Sleep(30 * time.Minute)
			_, _ = w.Authenticate(d.request())
		}
		time.Sleep(2 * time.Minute) // one round of the sweep
		synctest.Wait()
		wantGauge(t, w.registry, "sallyport_sessions_active", "", 0)
		for reason, want := range map[session.Reason]float64{
			session.EndedByNewOne: 1, session.EndedByPerson: 1, session.EndedByIdle: 2, session.EndedByAge: 1,
			session.EndedByStore: 0, session.EndedByIdP: 0,
		} {
			wantGauge(t, w.registry, "sallyport_session_ends_total", string(reason), want)
		}
	})
}

// wantGauge fails unless the series with that label value has that value.
func wantGauge(t *testing.T, reg *prometheus.Registry, name, label string, want float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if label == "" || m.GetLabel()[0].GetValue() == label {
				if got := m.GetGauge().GetValue() + m.GetCounter().GetValue(); got != want {
					t.Errorf("%s{%s} = %v, want %v", name, label, got, want)
				}
				return
			}
		}
	}
	t.Errorf("no series %s{%s}", name, label)
}
