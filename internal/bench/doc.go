// Command bench measures what a request costs in the proxy process: CPU time per
// request of Sallyport in its modes, beside a bare httputil.ReverseProxy with a
// sized connection pool and a buffer pool; then allocations, Redis commands, latency
// under an open loop, scaling, memory and start-up. docs/performance.md says how to
// read it, and docs/adr/0180 why it is done so.
//
// One run follows this way. This process serves the app (app.go) in the same thread as it
// asks for the proxies' answers (loop_linux.go), and the demo identity provider
// (provider.go); each proxy is a process of its own (process.go) on one
// processor, the same for all, while this one keeps to the others
// (affinity_linux.go). The bare ones are this program again (bare.go), Sallyport is
// built from the work tree as the Dockerfile builds it, with metrics and access
// log on (sallyport.go), and nginx and Apache are the distribution's (peers.go). A
// cookie jar signs in through each of them once (signin.go).
//
// What is measured has precedence over the rest of the machine (precedence_linux.go).
//
// A line of a table is a row: a request, the processes whose CPU time counts, and
// the right answer (row.go; proxies.go and gates.go list them). Slices of load
// alternate between the rows over connections that stay open (measure.go, load.go), so
// that whatever else the machine does falls on all of them alike, and each slice
// is divided by that of another row in the same round. The CPU time is the kernel's clock of the
// proxy's process; what the client and the app spend is not in it.
//
// Every answer is checked (client.go): status, each byte of the body, and the identity
// that reached the app; of answers to somebody without a session where they lead
// and what they set. One wrong answer ends the run.
//
//	go run ./internal/bench -help
//
// # Trust
//
// Everything listens on loopback and ends with the run. Written are a temporary
// folder, the tables on standard output, and the page and the profile that are asked
// for.
package main
