package proxy

import (
	"testing"

	"golang.org/x/net/http2"
)

// A process that leaves ends each connection with its answer, whoever gives it: once that
// was lost for our own answers, and after an informational one of the app's.
func TestLeave(t *testing.T) {
	f := newFixture(t, nil)
	hints := "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
	f.app.answerWith(hints + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	paths := map[string]int{"/public/a": 200, "/private": 401, "/oauth2/callback": 200, "/oauth2/nothing": 404}
	for _, leaves := range []bool{false, true} {
		if leaves {
			f.site.Leave()
		}
		for path, status := range paths {
			res := f.get(path)
			if res.wantStatus(t, status); res.Close != leaves {
				t.Errorf("%s: leaves %t, the connection ends %t", path, leaves, res.Close)
			}
		}
	}
}

// To a client of HTTP/2 that is a GOAWAY, before or after the answer, which is whole.
func TestLeaveOverHTTP2(t *testing.T) {
	f := newFixture(t, nil)
	c := f.dialH2()
	f.site.Leave()
	c.headers(true, ":method", "GET", ":scheme", "https", ":path", "/private", ":authority", "app.example.com")
	status, leaves, ended := "", false, false
	for !leaves || !ended {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			t.Fatalf("the connection ended after the status %q, a GOAWAY %t, the answer's end %t: %v", status, leaves, ended, err)
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			status, ended = frame.PseudoValue("status"), frame.StreamEnded()
		case *http2.DataFrame:
			ended = frame.StreamEnded()
		case *http2.GoAwayFrame:
			if leaves = true; frame.ErrCode != http2.ErrCodeNo {
				t.Errorf("GOAWAY with %v, want none", frame.ErrCode)
			}
		}
	}
	if status != "401" {
		t.Errorf("status %q, want 401", status)
	}
}
