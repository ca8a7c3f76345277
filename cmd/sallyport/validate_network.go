package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/proxy"
)

func (s *settings) resolveNetwork(f *faults) {
	n := s.Network
	s.resolvePublicURL(f)
	if err := checkListen(n.Listen); err != nil {
		f.add("SALLYPORT_LISTEN", err.Error(), "write host:port, :port or unix:///path")
	}
	if n.AdminListen != adminOff {
		if err := checkListen(n.AdminListen); err != nil {
			f.add("SALLYPORT_ADMIN_LISTEN", err.Error(), "write host:port, :port, unix:///path or off")
		} else if n.AdminListen == n.Listen && !strings.HasSuffix(n.Listen, ":0") {
			f.add("SALLYPORT_ADMIN_LISTEN", "is the same address as SALLYPORT_LISTEN", "give each listener its own")
		}
	}
	checkPrefix(n.Prefix, f)
	s.resolveTrusted(f)
	if n.ProxyProtocol != string(proxy.ProxyProtocolOff) && len(n.TrustedProxies) == 0 {
		f.add("SALLYPORT_PROXY_PROTOCOL", fmt.Sprintf("is %s, and no proxy is trusted to send such a header", n.ProxyProtocol), "list the load balancers in SALLYPORT_TRUSTED_PROXIES, or remove it")
	}
	for _, host := range n.AllowedHosts {
		if !validHostPort(host) {
			f.add("SALLYPORT_ALLOWED_HOSTS", fmt.Sprintf("has the entry %q", host), "list host names or host:port, without scheme, path or *")
		}
	}
	checkTLSFiles(n, f)
}

// adminOff is the value of SALLYPORT_ADMIN_LISTEN that disables the listener.
const adminOff = "off"

func (s *settings) resolvePublicURL(f *faults) {
	const name = "SALLYPORT_PUBLIC_URL"
	u, err := parseHTTPURL(s.Network.PublicURL)
	switch {
	case err != nil:
		f.unreadable(name, err.Error(), "write the address that browsers use, such as https://app.example.com")
		return
	case u.RawQuery != "" || u.ForceQuery:
		f.unreadable(name, fmt.Sprintf("is %q, which has a query", s.Network.PublicURL), "leave out what begins at the question mark")
		return
	case !cleanPath(u.Path) || u.RawPath != "":
		f.unreadable(name, fmt.Sprintf("has the path %q", u.EscapedPath()), "use segments of letters, digits, '-', '_', '.' and '~', such as https://example.com/app")
		return
	case u.Scheme == "http" && !isLoopback(u.Hostname()) && !s.Network.InsecureHTTP:
		f.add(name, "is http:// on a host that is not loopback", "use https://, or set SALLYPORT_INSECURE_HTTP=true and accept that sessions travel in the clear")
	}
	s.publicURL = u
}

// cleanPath accepts "", "/" and paths of plain segments.
func cleanPath(path string) bool {
	path = trimSlash(path)
	if path == "" {
		return true
	}
	if path[0] != '/' {
		return false
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, notPlain) {
			return false
		}
	}
	return true
}

func notPlain(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.~", r)
}

func checkPrefix(prefix string, f *faults) {
	if prefix == "/" || strings.HasSuffix(prefix, "/") || !cleanPath(prefix) {
		f.add("SALLYPORT_PREFIX", fmt.Sprintf("is %q", prefix), "begin it with / and end it without, in letters, digits, '-', '_', '.' and '~', such as /oauth2")
	}
}

// checkListen accepts host:port and unix:///path. The error is a phrase that
// follows the variable's name.
func checkListen(address string) error {
	if path, ok := strings.CutPrefix(address, unixScheme); ok {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("is %q, whose socket path is not absolute", address)
		}
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("is %q, not an address", address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("is %q, whose port is not a number from 0 to 65535", address)
	}
	return nil
}

func (s *settings) resolveTrusted(f *faults) {
	const name = "SALLYPORT_TRUSTED_PROXIES"
	for _, entry := range s.Network.TrustedProxies {
		if entry == "unix" {
			s.trustUnix = true
			continue
		}
		p, err := netip.ParsePrefix(entry)
		if ip, ipErr := netip.ParseAddr(entry); err != nil && ipErr == nil && ip.Zone() == "" {
			p, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		switch {
		case err != nil:
			f.add(name, fmt.Sprintf("has the entry %q", entry), "list addresses and networks such as 10.0.0.0/8 or fd00::/8")
		case p.Bits() == 0:
			f.add(name, fmt.Sprintf("has the entry %q, which trusts every client to say who it is", entry), "list the networks of your own reverse proxies")
		default:
			s.trusted = append(s.trusted, p.Masked())
		}
	}
}

func checkTLSFiles(n NetworkConfig, f *faults) {
	const cert, key = "SALLYPORT_TLS_CERT_FILE", "SALLYPORT_TLS_KEY_FILE"
	switch {
	case n.TLSCertFile == "" && n.TLSKeyFile == "":
	case n.TLSCertFile == "":
		f.add(cert, "is not set, but "+key+" is", "set both or none")
	case n.TLSKeyFile == "":
		f.add(key, "is not set, but "+cert+" is", "set both or none")
	default:
		if _, err := tls.LoadX509KeyPair(n.TLSCertFile, n.TLSKeyFile); err != nil {
			f.add(cert, "and "+key+" cannot be used: "+err.Error(), "name a PEM certificate chain and its private key")
		}
	}
}

func (s *settings) resolveUpstream(f *faults) {
	const name = "SALLYPORT_UPSTREAM"
	s.resolveHealth(f)
	if s.forwardAuthOnly() {
		if s.Upstream.URL != "" {
			f.add(name, "is set, but SALLYPORT_FORWARD_AUTH=only would not use it", "remove one of the two")
		}
		return
	}
	if s.Upstream.URL == "" {
		f.unreadable(name, "is required", "set it, for example to http://127.0.0.1:8080; a proxy that serves the app itself and only asks needs SALLYPORT_FORWARD_AUTH=only")
	}
	u, err := parseUpstream(s.Upstream.URL)
	if err != nil {
		f.add(name, err.Error(), "write http://host:port, https://host:port, h2c://host:port or unix:///path")
	}
	s.upstream = u
	positive(f, "SALLYPORT_UPSTREAM_TIMEOUT", s.Upstream.Timeout)
	s.upstreamCA = readPool("SALLYPORT_UPSTREAM_CA_FILE", s.Upstream.CAFile, f)
	if s.Upstream.CAFile != "" && u != nil && u.Scheme != "https" {
		f.add("SALLYPORT_UPSTREAM_CA_FILE", "is set, but SALLYPORT_UPSTREAM is not https://", "remove it, or use https://")
	}
}

func parseUpstream(raw string) (*url.URL, error) {
	if path, ok := strings.CutPrefix(raw, unixScheme); ok {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("is %q, whose socket path is not absolute", raw)
		}
		return &url.URL{Scheme: "unix", Path: path}, nil
	}
	plain := raw
	if rest, ok := strings.CutPrefix(raw, "h2c://"); ok {
		plain = "http://" + rest
	}
	u, err := parseHTTPURL(plain)
	if err != nil {
		return nil, fmt.Errorf("%s", strings.ReplaceAll(err.Error(), plain, raw))
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, fmt.Errorf("is %q, which has a query", raw)
	}
	if plain != raw {
		u.Scheme = "h2c"
	}
	return u, nil
}

// readPool reads PEM certificates; nil when no file is named.
func readPool(name, path string, f *faults) *x509.CertPool {
	if path == "" {
		return nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		f.add(name, "cannot be read: "+err.Error(), "name a file of PEM certificates that this process may read")
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		f.add(name, fmt.Sprintf("names the file %s, which holds no certificate", path), "name a file with -----BEGIN CERTIFICATE----- blocks")
		return nil
	}
	return pool
}
