package proxy

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/session"
)

const (
	// touchEvery bounds how often the bytes of one stream are reported as use of
	// its session.
	touchEvery   = 10 * time.Second
	touchTimeout = 5 * time.Second
)

// activity reports what the client says on a stream as use of the stream's session. It
// is safe for concurrent use.
type activity struct {
	auth    Authenticator
	session *session.Session // nil = nothing is reported
	ctx     context.Context  // of the request, without its end
	over    func()           // called when the session turns out to have ended

	used     atomic.Int64 // UnixNano of the last report
	touching atomic.Bool
}

// begin makes a report for the stream that the request of ctx, which was use itself, has
// become. It is called before anything else.
func (a *activity) begin(ctx context.Context, auth Authenticator, s *session.Session, over func()) {
	a.ctx, a.auth, a.session, a.over = context.WithoutCancel(ctx), auth, s, over
	a.used.Store(time.Now().UnixNano())
}

// touch reports, in the background so that no byte waits for the store.
func (a *activity) touch() {
	now := time.Now().UnixNano()
	if a.session == nil || now-a.used.Load() < int64(touchEvery) || !a.touching.CompareAndSwap(false, true) {
		return
	}
	a.used.Store(now)
	go func() {
		defer a.touching.Store(false)
		ctx, cancel := context.WithTimeout(a.ctx, touchTimeout)
		defer cancel()
		err := a.auth.Touch(ctx, a.session)
		if _, over := errors.AsType[*session.NoSessionError](err); over {
			a.over()
		}
	}()
}
