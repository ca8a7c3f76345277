package cookiestore

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/session"
)

// unread is a ResponseWriter that keeps nothing.
type unread struct{ header http.Header }

func (u *unread) Header() http.Header         { return u.header }
func (u *unread) Write(p []byte) (int, error) { return len(p), nil }
func (u *unread) WriteHeader(int)             {}

// BenchmarkGet reads the record that a request brings, on all processors; the store's
// part of handling the request is in the figure.
func BenchmarkGet(b *testing.B) {
	for name, size := range map[string]int{"slim": 700, "fat": 4096} {
		b.Run(name, func(b *testing.B) {
			s := newStore(b, newRing(b, session.GenerateKey()), nil)
			browser, h, want := stored(b, s, size)
			handler := s.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if got, err := s.Get(r.Context(), h); err != nil || !bytes.Equal(got.Sealed, want.Sealed) {
					b.Errorf("another record, %v", err)
				}
			}))
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				r := browser.request()
				for pb.Next() {
					handler.ServeHTTP(&unread{header: http.Header{}}, r)
				}
			})
		})
	}
}
