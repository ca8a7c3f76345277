// Command bench measures what a request costs in the proxy process: CPU time per
// request of Sallyport in its modes, beside a bare httputil.ReverseProxy with a
// sized connection pool and a buffer pool.
//
// One run follows this way. This process serves the app and the demo identity
// provider; each proxy is a process of its own on one processor, the same for all
// (process.go): the bare ones are this program again, Sallyport is built from the
// work tree as the Dockerfile builds it, with metrics and access log on. A cookie
// jar signs in through each Sallyport once. Then short slices of load alternate
// between the rows (proxies.go) over connections that stay open, so that whatever
// else the machine does falls on all of them alike, and each slice is divided by
// its neighbour. The CPU time is the kernel's clock of the proxy's process; what
// the client and the app spend is not in it.
//
// Every answer is checked (row.go): status, each byte of the body, and the identity
// that reached the app; of answers to somebody without a session where they lead
// and what they set. One wrong answer ends the run.
//
//	go run ./internal/bench -help
//
// # Trust
//
// Everything listens on loopback and ends with the run; nothing is written but
// a temporary folder and the tables on standard output.
package main
