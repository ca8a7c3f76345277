// Command bench measures what a request costs in the proxy process: CPU time
// per request of a bare httputil.ReverseProxy with the default transport, of
// the same with a sized connection pool and a buffer pool, and of Sallyport
// with a signed-in session, its metrics and its access log on; once more with the
// session in Redis, where redis-server is installed.
//
// One run follows this way. This process serves the app and the demo identity
// provider; each proxy is a process of its own with GOMAXPROCS=1: the bare ones
// are this program again, Sallyport is built from the work tree as the
// Dockerfile builds it. A cookie jar signs in through Sallyport once. Then short
// slices of load alternate between the proxies, all with the same request bytes
// over 64 connections that stay open, so that whatever else the machine does
// falls on all of them alike. The CPU time is the kernel's clock of the proxy's
// process; what the client and the app spend is not in it.
//
// Every answer is checked: status, each byte of the body, and the identity
// that reached the app. One wrong answer ends the run.
//
//	go run ./internal/bench [-size 1024] [-slices 20] [-slice 800ms] [-conns 64]
//
// # Trust
//
// Everything listens on loopback and ends with the run; nothing is written but
// a temporary folder and the table on standard output.
package main
