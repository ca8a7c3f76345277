package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// heedHangups tells whoever sends SIGHUP, by which other servers are made to read their
// configuration, that there is nothing to do. Unheeded, the signal would end the process
// without a word; at a terminal, whose end it announces, it still does.
func heedHangups(ctx context.Context, logger *slog.Logger) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-hangups:
			logger.Info("SIGHUP changes nothing: the files of secrets, keys and certificates are read again by themselves; every other change of the configuration needs a restart")
		case <-ctx.Done():
			return
		}
	}
}
