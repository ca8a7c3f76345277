package proxy

import (
	"net/http"
	"net/netip"
	"strings"
)

// trust knows whose forwarding fields are believed.
type trust struct {
	peers []netip.Prefix
	unix  bool
}

// peer returns the address at the other end of the connection, the zero Addr
// when it has none, and whether it is trusted.
func (t *trust) peer(remoteAddr string) (netip.Addr, bool) {
	ap, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return netip.Addr{}, t.unix && onUnixSocket(remoteAddr)
	}
	addr := ap.Addr().Unmap().WithZone("")
	return addr, t.contains(addr)
}

// onUnixSocket reports whether that is a peer on a unix socket, which has no address: Go
// calls it "@" or "".
func onUnixSocket(remoteAddr string) bool { return remoteAddr == "@" || remoteAddr == "" }

func (t *trust) contains(addr netip.Addr) bool {
	for _, p := range t.peers {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// chain reads X-Forwarded-For of a trusted peer from the right, as each hop
// appended the address it saw. It returns the address of the client, the
// rightmost that is not trusted, and the chain from there on; what stands left
// of it was written by the client itself. A chain with something else than an
// address ends there.
func (t *trust) chain(h http.Header) (client netip.Addr, chain string) {
	all := strings.Join(h["X-Forwarded-For"], ",")
	start := len(all)
	for start > 0 {
		comma := strings.LastIndexByte(all[:start], ',')
		addr, ok := parseHop(all[comma+1 : start])
		if !ok {
			break
		}
		client = addr
		if chain == "" {
			chain = addr.String()
		} else {
			chain = addr.String() + ", " + chain
		}
		if !t.contains(addr) || comma < 0 {
			break
		}
		start = comma
	}
	return client, chain
}

// parseHop reads one entry; some proxies write a port (203.0.113.7:4711).
func parseHop(s string) (netip.Addr, bool) {
	s = strings.Trim(s, " \t")
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// single returns the only value of a field, "" when it is absent, sent twice or
// a list: a value that two readers could understand differently is not believed.
func single(h http.Header, name string) string {
	v := h[name]
	if len(v) != 1 || strings.ContainsRune(v[0], ',') {
		return ""
	}
	return strings.Trim(v[0], " \t")
}
