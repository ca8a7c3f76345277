package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// answers are some that net/http understands, with what may follow them.
var answers = []string{
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\ncontent-length:\t2 \r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 204 No Content\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 200\r\n\r\n",
	"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\nA \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
	"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
	"HTTP/1.1 200 OK\r\n\r\nuntil the end",
	"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("Content-Length: 1", 100) + "\r\nContent-Length: 2\r\n\r\nok",
}

// ends returns where the first answer of stream ends by net/http, and whether it says so.
func ends(stream []byte, method string) (int, bool) {
	rest := bytes.NewReader(stream)
	r := bufio.NewReader(rest)
	for {
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil || res.StatusCode == http.StatusSwitchingProtocols {
			return 0, false
		}
		if res.StatusCode < 200 {
			continue
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return 0, false
		}
		return len(stream) - rest.Len() - r.Buffered(), true
	}
}

// tracked returns where it ends by answerTrack, which is given pieces of that size.
func tracked(stream []byte, method string, piece int) (end int, known bool) {
	var t answerTrack
	t.request([]byte(method + " / HTTP/1.1\r\n\r\n"))
	for at := 0; at < len(stream); at += piece {
		p := stream[at:min(at+piece, len(stream))]
		if n := t.answer(p); n < len(p) {
			return at + n, true
		}
	}
	return len(stream), t.state != trackAny
}

// TestAnswerEnds: whatever the pieces are, nothing of what follows belongs to the answer.
func TestAnswerEnds(t *testing.T) {
	for _, answer := range answers {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			stream := []byte(answer + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")
			want, ok := ends(stream, method)
			if !ok {
				t.Fatalf("%q is no answer", answer)
			}
			for piece := 1; piece <= len(stream); piece++ {
				if got, known := tracked(stream, method, piece); got != want || !known && want != len(stream) {
					t.Errorf("%s %q in pieces of %d ends at %d (%v), want %d", method, answer, piece, got, known, want)
				}
			}
		}
	}
}

// FuzzAnswerEnds: where answerTrack sees an end, net/http sees it in the same place.
func FuzzAnswerEnds(f *testing.F) {
	for _, a := range answers {
		f.Add([]byte(a+"HTTP/1.1 200 OK\r\n\r\n"), false, 7)
	}
	f.Fuzz(func(t *testing.T, stream []byte, head bool, piece int) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		want, ok := ends(stream, method)
		if !ok || piece < 1 {
			return // net/http closes such a connection
		}
		if got, known := tracked(stream, method, piece); known && got != want {
			t.Errorf("%s %q ends at %d, want %d", method, stream, got, want)
		}
	})
}

// fed is the app's side of a connection, of which every Read gives what was prepared.
type fed struct {
	net.Conn
	io.Reader
}

func (f fed) Read(p []byte) (int, error)  { return f.Reader.Read(p) }
func (f fed) Write(p []byte) (int, error) { return len(p), nil }

// TestBoundedConn: it ends with the answer, says so once, and gives an answer whole even
// where it was asked for more.
func TestBoundedConn(t *testing.T) {
	const answer = "HTTP/1.1 204 No Content\r\n\r\n"
	for _, one := range []bool{false, true} {
		var app io.Reader = strings.NewReader(answer + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		if one {
			app = iotest.OneByteReader(app)
		}
		reported := 0
		c := &boundedConn{Conn: fed{Reader: app}, surplus: func() { reported++ }}
		_, _ = c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		got, err := io.ReadAll(c)
		if err != nil || string(got) != answer || reported != 1 {
			t.Errorf("got %q, %v, reported %d times", got, err, reported)
		}
	}
}

// TestBoundedConnGoesOn: answers one after another, the body of a request in the middle of
// an answer, and a protocol that is none of HTTP's.
func TestBoundedConnGoesOn(t *testing.T) {
	reported := 0
	script := strings.NewReader("")
	c := &boundedConn{Conn: fed{Reader: script}, surplus: func() { reported++ }}
	for _, exchange := range []struct{ request, answer string }{
		{"GET / HTTP/1.1\r\n\r\n", answers[0]},
		{"HEAD / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"},
		{"POST / HTTP/1.1\r\n\r\n", answers[7]},
		{"GET / HTTP/1.1\r\n\r\n", answers[0]},
		{"GET /ws HTTP/1.1\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05hello and whatever"},
		{"\x81\x05hello", "\r\n\r\nHTTP/1.1 204\r\n\r\nmore"},
	} {
		script.Reset(exchange.answer)
		_, _ = io.WriteString(c, exchange.request)
		half := make([]byte, len(exchange.answer)/2)
		_, _ = io.ReadFull(c, half)
		_, _ = io.WriteString(c, "the rest of a body")
		rest, err := io.ReadAll(c)
		if err != nil || string(half)+string(rest) != exchange.answer {
			t.Errorf("%q: got %q and %q, %v", exchange.request, half, rest, err)
		}
	}
	if reported != 0 {
		t.Errorf("reported %d times", reported)
	}
}
