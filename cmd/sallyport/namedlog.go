package main

import (
	"context"
	"log/slog"
)

// logger is like l, and calls the variables that are spoken of what the provider's are
// called.
func (n names) logger(l *slog.Logger) *slog.Logger {
	if len(n) == 0 {
		return l
	}
	return slog.New(&namedHandler{l.Handler(), n})
}

// namedHandler puts the names of one provider's variables into records.
type namedHandler struct {
	slog.Handler
	names names
}

// Handle implements slog.Handler.
func (h *namedHandler) Handle(ctx context.Context, r slog.Record) error {
	named := slog.NewRecord(r.Time, r.Level, h.names.in(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		named.AddAttrs(h.attr(a))
		return true
	})
	return h.Handler.Handle(ctx, named)
}

// WithAttrs implements slog.Handler.
func (h *namedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	named := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		named[i] = h.attr(a)
	}
	return &namedHandler{h.Handler.WithAttrs(named), h.names}
}

// WithGroup implements slog.Handler.
func (h *namedHandler) WithGroup(name string) slog.Handler {
	return &namedHandler{h.Handler.WithGroup(name), h.names}
}

// attr names the variables in texts, errors and groups of them.
func (h *namedHandler) attr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(h.names.in(v.String()))
	case slog.KindGroup:
		group := make([]slog.Attr, 0, len(v.Group()))
		for _, one := range v.Group() {
			group = append(group, h.attr(one))
		}
		a.Value = slog.GroupValue(group...)
	case slog.KindAny:
		if err, ok := v.Any().(error); ok {
			a.Value = slog.StringValue(h.names.in(err.Error()))
		}
	}
	return a
}
