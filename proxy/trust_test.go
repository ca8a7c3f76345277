package proxy

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestForwardingFields(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	tests := []struct {
		name    string
		trusted bool
		lines   []string
		want    map[string]string // "" = absent, "*" = anything
	}{
		{"nobody trusted", false, []string{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http", "X-Forwarded-Port: 80", "X-Request-Id: abc", "Traceparent: " + trace, "Tracestate: a=b", "Forwarded: for=203.0.113.9"},
			map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "app.example.com", "X-Forwarded-Port": "", "X-Request-Id": "*", "Traceparent": "*", "Tracestate": "", "Forwarded": ""}},
		{"trusted", true, []string{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http", "X-Forwarded-Port: 80", "X-Request-Id: abc-1", "Traceparent: " + trace, "Tracestate: a=b", "Forwarded: for=203.0.113.9", "X-Real-Ip: 203.0.113.9"},
			map[string]string{"X-Forwarded-For": "203.0.113.9, 127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "80", "X-Request-Id": "abc-1", "Traceparent": trace, "Tracestate": "a=b", "Forwarded": "for=203.0.113.9", "X-Real-Ip": "203.0.113.9"}},
		{"the client's own entries fall off", true, []string{"X-Forwarded-For: 6.6.6.6, 203.0.113.9", "X-Forwarded-For: 10.1.2.3"},
			map[string]string{"X-Forwarded-For": "203.0.113.9, 10.1.2.3, 127.0.0.1"}},
		{"all hops trusted", true, []string{"X-Forwarded-For: 10.9.9.9, 10.1.2.3"}, map[string]string{"X-Forwarded-For": "10.9.9.9, 10.1.2.3, 127.0.0.1"}},
		{"no address", true, []string{"X-Forwarded-For: 203.0.113.9, unknown, 10.1.2.3"}, map[string]string{"X-Forwarded-For": "10.1.2.3, 127.0.0.1"}},
		{"garbage", true, []string{"X-Forwarded-For: <script>"}, map[string]string{"X-Forwarded-For": "127.0.0.1"}},
		{"FW-08 a list of schemes", true, []string{"X-Forwarded-Proto: https, http"}, map[string]string{"X-Forwarded-Proto": "https"}},
		{"FW-08 two schemes", true, []string{"X-Forwarded-Proto: http", "X-Forwarded-Proto: http"}, map[string]string{"X-Forwarded-Proto": "https"}},
		{"FW-08 another scheme", true, []string{"X-Forwarded-Proto: javascript"}, map[string]string{"X-Forwarded-Proto": "https"}},
		{"aliases even so", true, []string{"X_Forwarded_Port: 66", "X-Forwarded_Port: 66", "X_Real_Ip: 66"}, map[string]string{"X_Forwarded_Port": "", "X-Forwarded_Port": "", "X_Real_Ip": ""}},
		{"OP-09 request id that is none", true, []string{"X-Request-Id: a b/../c"}, map[string]string{"X-Request-Id": "*"}},
		{"trace that is none", true, []string{"Traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01", "Tracestate: a=b"}, map[string]string{"Traceparent": "*", "Tracestate": ""}},
		{"FW-04 host of an untrusted peer", false, []string{"X-Forwarded-Host: app.example.com.evil.com"}, map[string]string{"X-Forwarded-Host": "app.example.com"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var tune func(*Config)
			if tt.trusted {
				tune = trustLoopback
			}
			f := newFixture(t, tune)
			f.get("/", append(tt.lines, "Cookie: "+valid)...).wantStatus(t, 200)
			got := f.app.only(t)
			for name, want := range tt.want {
				values := got.values(name)
				switch want {
				case "":
					if len(values) > 0 {
						t.Errorf("%s = %q, want none", name, values)
					}
				case "*":
					if len(values) != 1 || strings.Contains(strings.Join(tt.lines, "\n"), values[0]) {
						t.Errorf("%s = %q, want one of our own", name, values)
					}
				default:
					if diff := cmp.Diff([]string{want}, values); diff != "" {
						t.Errorf("%s (-want +got):\n%s", name, diff)
					}
				}
			}
		})
	}
	t.Run("fresh traces are valid", func(t *testing.T) {
		f := newFixture(t, nil)
		f.get("/", "Cookie: "+valid).wantStatus(t, 200)
		if tp := f.app.only(t).values("Traceparent"); len(tp) != 1 || !validTraceparent(tp[0]) {
			t.Errorf("Traceparent = %q", tp)
		}
	})
}

func TestForwardedHost(t *testing.T) {
	t.Run("a trusted peer that replaced Host", func(t *testing.T) {
		f := newFixture(t, trustLoopback)
		f.send("GET / HTTP/1.1\r\nHost: sallyport.internal:4180\r\nX-Forwarded-Host: App.Example.com\r\nCookie: "+valid+"\r\n\r\n").wantStatus(t, 200)
		got := f.app.only(t)
		if got.values("Host")[0] != "app.example.com" || got.values("X-Forwarded-Host")[0] != "app.example.com" {
			t.Errorf("at the app:\n%s", got.head)
		}
	})
	t.Run("FW-04 a trusted peer names another site", func(t *testing.T) {
		f := newFixture(t, trustLoopback)
		f.get("/", "X-Forwarded-Host: app.example.com.evil.com", "Cookie: "+valid).wantStatus(t, 421)
		f.app.wantNone(t)
	})
	t.Run("FW-04 an untrusted peer cannot make its host ours", func(t *testing.T) {
		f := newFixture(t, nil)
		f.send("GET / HTTP/1.1\r\nHost: evil.com\r\nX-Forwarded-Host: app.example.com\r\nCookie: "+valid+"\r\n\r\n").wantStatus(t, 421)
		f.app.wantNone(t)
	})
}

func TestTrustedPeers(t *testing.T) {
	tr := &trust{peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fe80::/10")}}
	tests := []struct {
		remote  string
		addr    string
		trusted bool
	}{
		{"10.1.2.3:4711", "10.1.2.3", true},
		{"[::ffff:10.1.2.3]:4711", "10.1.2.3", true},
		{"[fe80::1%eth0]:4711", "fe80::1", true},
		{"192.0.2.10:4711", "192.0.2.10", false},
		{"@", "", false},
		{"", "", false},
		{"nonsense", "", false},
	}
	for _, tt := range tests {
		addr, trusted := tr.peer(tt.remote)
		if trusted != tt.trusted || addr.IsValid() && addr.String() != tt.addr {
			t.Errorf("FW-10 peer(%q) = %v, %v", tt.remote, addr, trusted)
		}
	}
	tr.unix = true
	for remote, want := range map[string]bool{"@": true, "": true, "nonsense": false, "192.0.2.10:1": false} {
		if _, trusted := tr.peer(remote); trusted != want {
			t.Errorf("FW-10 peer(%q) trusted = %v once unix sockets are", remote, trusted)
		}
	}
}

// TestUnixListener serves on a real socket: no address, and no trust from that.
func TestUnixListener(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		f := newFixture(t, func(c *Config) { c.TrustUnix = trusted })
		path := t.TempDir() + "/s"
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(f.site)
		_ = server.Listener.Close()
		server.Listener = l
		server.Start()
		t.Cleanup(server.Close)
		client := &http.Client{Transport: &http.Transport{Dial: func(string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
		req, _ := http.NewRequest("GET", "http://app.example.com/", nil)
		req.Header.Set("Cookie", valid)
		req.Header.Set("X-Forwarded-For", "203.0.113.9")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		got := f.app.only(t).values("X-Forwarded-For")
		if trusted != (len(got) == 1) {
			t.Errorf("FW-10 trusted %v: X-Forwarded-For = %q", trusted, got)
		}
	}
}

func TestChainOfForwardedFor(t *testing.T) {
	tr := &trust{peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for in, want := range map[string]string{
		"203.0.113.7:4711, 10.0.0.1": "203.0.113.7, 10.0.0.1",
		"[2001:db8::1]:443":          "2001:db8::1",
		"2001:db8::1":                "2001:db8::1",
		"::ffff:203.0.113.7":         "203.0.113.7",
		"":                           "",
		",":                          "",
		"1.2.3.4,":                   "",
	} {
		_, got := tr.chain(http.Header{"X-Forwarded-For": {in}})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}
