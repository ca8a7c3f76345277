// Package hop is an HTTP/1.1 client for the hop between a reverse proxy and its one
// app: requests without a body or with one of known length, each written and its answer
// read by the goroutine that asks, in the clear or over TLS.
//
// net/http's Transport gives every connection two goroutines of its own, so that a
// request may still be sent while its answer arrives. A GET has nothing more to send,
// and handing it to one goroutine and its answer back from another is a third of
// what a bare reverse proxy spends. What remains is the same: answers are read by
// http.ReadResponse, connections are kept and checked before they are used again, and
// a request that met a connection which the app had just closed is sent once more, if
// that is safe.
//
// A request goes this way: RoundTrip reads its body, takes an idle connection or dials
// one, conn.send writes all of it in one piece, conn.receive reads the answer's header
// section, and the body returns the connection when it has been read to its end. Only a
// body that is too long to be held has a goroutine, which sends it meanwhile (upload).
//
// # Trust
//
// The app may answer anything at any time. Its header section is bounded, bytes that
// nobody asked for make the connection unusable, and nothing of one answer can be taken
// for the next one's.
package hop
