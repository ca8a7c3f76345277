// Package accesslog writes the log: the lines of requests, of which there are many,
// together, and every other line at once.
//
// A line of a request is encoded by its goroutine into memory of its own, byte for byte as
// log/slog's handlers would, and copied into the buffer of the Log. A slog.Handler
// that writes to the same Log shares that buffer, so that lines stand in the order in
// which they were written.
//
// # Trust
//
// Values are clients' in part, such as the path of a request. They are escaped, so
// that none can end its line or begin another field. Keys and messages are the
// program's own.
package accesslog
