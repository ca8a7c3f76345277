package proxy

import (
	"context"

	"github.com/sallyport/sallyport/internal/reqid"
	"github.com/sallyport/sallyport/session"
)

// exchangeContext is the context of a request: it answers what others ask of it from
// the exchange that it is a part of, and so costs nothing.
type exchangeContext struct {
	context.Context
	x *exchange
}

type exchangeKey struct{}

// exchangeOf returns the exchange of a request's context.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// Value implements context.Context.
func (c *exchangeContext) Value(key any) any {
	switch key.(type) {
	case exchangeKey:
		return c.x
	case reqid.Key:
		return c.x.id
	case session.ClientAddress:
		if addr := c.x.site.clientAddr(c.x); addr.IsValid() {
			return addr.String()
		}
		return ""
	}
	return c.Context.Value(key)
}
