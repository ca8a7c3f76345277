package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDueIsAPoissonProcess(t *testing.T) {
	p := pace{perSecond: 10_000, lasts: time.Second, seed: 1}
	at := p.due()
	if n := len(at); n < 9_500 || n > 10_500 { // five standard deviations
		t.Errorf("%d requests are due, want some 10000", n)
	}
	if !slices.IsSorted(at) || at[len(at)-1] >= p.lasts {
		t.Error("the moments are not in order, or beyond the end")
	}
	if diff := cmp.Diff(at, p.due()); diff != "" {
		t.Error("the same seed has other moments")
	}
	p.seed = 2
	if slices.Equal(at, p.due()) {
		t.Error("another seed has the same moments")
	}
	// Half of the gaps of such a process are shorter than ln 2 of the mean one.
	short := 0
	for i := 1; i < len(at); i++ {
		if at[i]-at[i-1] < 69*time.Microsecond {
			short++
		}
	}
	if share := float64(short) / float64(len(at)); share < 0.47 || share > 0.53 {
		t.Errorf("%.2f of the gaps are short, want half", share)
	}
}

// Requests that were due while the server stood still have waited, although none of
// them was sent then. A closed loop would find a single slow one.
func TestPaceCountsTheWaiting(t *testing.T) {
	const stall = 200 * time.Millisecond
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if asked.Add(1) == 2 { // the first is that of dialling
			<-time.After(stall)
		}
	}))
	defer server.Close()
	addr := server.Listener.Addr().String()
	r := &row{on: []*process{{addr: addr, pid: os.Getpid()}}, request: get(addr, "/", "*/*", ""), want: emptyOK()}
	p := pace{loop: newLoop(t), perSecond: 500, lasts: stall, conns: 1, seed: 1}
	took, err := p.run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(took) != len(p.due()) {
		t.Errorf("%d answers to %d requests", len(took), len(p.due()))
	}
	if median := took[len(took)/2]; median < stall/4 {
		t.Errorf("half of the requests took less than %v, but they waited for a server that stood still for %v", median, stall)
	}
}

func TestAlarmIsNotEarly(t *testing.T) {
	l := newLoop(t)
	rung := make(chan time.Time, 1)
	a, err := l.alarm(func() { rung <- time.Now() })
	if err != nil {
		t.Fatal(err)
	}
	for _, wait := range []time.Duration{-time.Second, 0, 50 * time.Microsecond, 3 * time.Millisecond} {
		due := time.Now().Add(wait)
		l.do(func() { err = a.in(time.Until(due)) })
		if err != nil {
			t.Fatal(err)
		}
		if at := <-rung; at.Before(due) {
			t.Errorf("%v early for a wait of %v", due.Sub(at), wait)
		}
	}
}
