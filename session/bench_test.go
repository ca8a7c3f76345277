package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// benchWorld has signed-in browsers and a request of each.
func benchWorld(b *testing.B, browsers int) (*world, []*http.Request) {
	w := newWorld(b, nil)
	requests := make([]*http.Request, browsers)
	for i := range requests {
		br := &browser{}
		l := login("alice")
		rec := httptest.NewRecorder()
		if _, err := w.Start(rec, br.request(), l); err != nil {
			b.Fatal(err)
		}
		br.take(rec)
		br.jar = append([]*http.Cookie{{Name: "theme", Value: "dark"}, {Name: "_ga", Value: "GA1.1.1234567890.1234567890"}}, br.jar...)
		requests[i] = br.request()
		if _, err := w.Authenticate(requests[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	return w, requests
}

func BenchmarkAuthenticate(b *testing.B) {
	w, requests := benchWorld(b, 1)
	for b.Loop() {
		if _, err := w.Authenticate(requests[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAuthenticateParallel(b *testing.B) {
	w, requests := benchWorld(b, 1000)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := w.Authenticate(requests[i%len(requests)]); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkAuthenticateUncached opens ticket and record each time, as the first
// request of a session does.
func BenchmarkAuthenticateUncached(b *testing.B) {
	w, requests := benchWorld(b, 1)
	for b.Loop() {
		b.StopTimer()
		if err := w.keys.Set([]session.Key{w.key}); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := w.Authenticate(requests[0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCookieBomb is 64 KiB of cookies without a session (CK-05).
func BenchmarkCookieBomb(b *testing.B) {
	w, _ := benchWorld(b, 1)
	r := raw(strings.Repeat(cookieName+"_1=a; ", 3000))
	for b.Loop() {
		if _, err := w.Authenticate(r); err == nil {
			b.Fatal("a session")
		}
	}
}

func TestAuthenticateAllocatesLittle(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	w.signIn(t, b, "alice")
	r := b.request()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := w.Authenticate(r); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("Authenticate allocates %v times, want 0", n)
	}
}

// BenchmarkAuthenticateCarried opens what the browser brings, each time: some 4 KiB
// of cookies.
func BenchmarkAuthenticateCarried(b *testing.B) {
	w := newCarriedWorld(b, nil)
	l := login("alice")
	l.Grant.AccessToken = secret.New(incompressible(3500))
	br := w.enter(b, l)
	r := br.request()
	b.ReportAllocs()
	for b.Loop() {
		w.visitAs(r, &browser{}, func(_ http.ResponseWriter, r *http.Request) {
			if _, err := w.Authenticate(r); err != nil {
				b.Fatal(err)
			}
		})
	}
}
