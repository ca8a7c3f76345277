package main

import (
	"context"
	"log/slog"
)

// newAuditLog writes to where logger does, whatever SALLYPORT_LOG_LEVEL is: who
// did what must not depend on how much else is wanted. Its lines have "audit":true.
func newAuditLog(logger *slog.Logger) *slog.Logger {
	return slog.New(everyLevel{logger.Handler()}).With("audit", true)
}

// everyLevel is a handler that passes every record. Those of log/slog look at the
// level in Enabled alone.
type everyLevel struct{ slog.Handler }

func (everyLevel) Enabled(context.Context, slog.Level) bool { return true }

func (h everyLevel) WithAttrs(attrs []slog.Attr) slog.Handler {
	return everyLevel{h.Handler.WithAttrs(attrs)}
}

func (h everyLevel) WithGroup(name string) slog.Handler {
	return everyLevel{h.Handler.WithGroup(name)}
}
