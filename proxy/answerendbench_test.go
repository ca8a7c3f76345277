package proxy

import (
	"strings"
	"testing"
)

// BenchmarkAnswerEnds is what following an answer costs, of a usual header and 4 KiB.
func BenchmarkAnswerEnds(b *testing.B) {
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: app\r\nCache-Control: private\r\nVary: Cookie\r\nX-Frame-Options: DENY\r\nContent-Length: 4096\r\n\r\n" + strings.Repeat("x", 4096))
	request := []byte("GET / HTTP/1.1\r\n\r\n")
	var t answerTrack
	b.ReportAllocs()
	for b.Loop() {
		t.request(request)
		if t.answer(answer) != len(answer) {
			b.Fatal("it ends too early")
		}
	}
}
