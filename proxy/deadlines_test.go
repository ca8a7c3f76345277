package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestSlowReader: HT-13. A client that takes nothing is cut once the idle limit
// passes. The deadline itself is looked at, since no test waits a minute.
func TestSlowReader(t *testing.T) {
	w := &deadlines{ResponseWriter: httptest.NewRecorder()}
	in := httptest.NewRequest("GET", "/", nil)
	x := &exchange{site: &Site{}, ResponseWriter: w, in: in}
	_, _ = x.Write([]byte("a"))
	if len(w.write) != 1 || time.Until(w.write[0]) < bodyIdle-5*time.Second || time.Until(w.write[0]) > bodyIdle {
		t.Errorf("write deadlines %v, want one a minute ahead", w.write)
	}
	for range 100 {
		_, _ = x.Write([]byte("a"))
	}
	if len(w.write) != 1 {
		t.Errorf("%d deadlines for pieces of the same second", len(w.write))
	}
	in.ProtoMajor = 2
	w.write = nil
	_, _ = x.Write([]byte("a"))
	if len(w.write) != 2 || !w.write[1].IsZero() {
		t.Errorf("write deadlines on HTTP/2 %v: a quiet stream must have none", w.write)
	}
}

func TestSlowSender(t *testing.T) {
	w := &deadlines{ResponseWriter: httptest.NewRecorder()}
	in := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("ab"), strings.NewReader("cd")))
	in.ContentLength = 4
	x := &exchange{ResponseWriter: w, in: in}
	x.watchBody()
	buf := make([]byte, 2)
	_, _ = io.ReadFull(in.Body, buf)
	if !x.body.pending() || len(w.read) != 1 || time.Until(w.read[0]) < bodyIdle-5*time.Second {
		t.Errorf("read deadlines %v in the middle", w.read)
	}
	_, _ = io.ReadFull(in.Body, buf)
	if x.body.pending() || !w.read[len(w.read)-1].IsZero() {
		t.Errorf("read deadlines %v at the end: net/http would take the last for the client's leaving", w.read)
	}
}

// deadlines records what is set.
type deadlines struct {
	http.ResponseWriter
	read, write []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.read = append(d.read, t)
	return nil
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.write = append(d.write, t)
	return nil
}
