package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/sallyport/sallyport/internal/accesslog"
)

// newLogger writes JSON, or text where a person watches. A format that is
// set wins. Its lines are written at once to the log, where those of requests wait.
func newLogger(w io.Writer, format string, level slog.Leveler) (*slog.Logger, *accesslog.Log) {
	options := &slog.HandlerOptions{Level: level}
	text := format == "text" || format == "" && isTerminal(w)
	lines := accesslog.New(accesslog.Config{To: w, Text: text})
	if text {
		return slog.New(slog.NewTextHandler(lines, options)), lines
	}
	return slog.New(slog.NewJSONHandler(lines, options)), lines
}

// isTerminal reports whether w is a character device, which is as close as the
// standard library comes to "a person reads this".
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
		return false
	}
	return info.Mode()&os.ModeCharDevice != 0 && info.Mode()&os.ModeDevice != 0
}
