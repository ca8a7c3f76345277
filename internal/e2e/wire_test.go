package e2e

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestUpstreams sends what is particular to HTTP through the binary to an application of
// each kind.
func TestUpstreams(t *testing.T) {
	for _, kind := range upstreamKinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			f := planFront(t)
			f.run(append(kind.start(f), "SALLYPORT_UPSTREAM_TIMEOUT=2s")...)
			f.echoes(kind.proto)
			f.continues()
			f.passesInterim()
			f.streamsEvents()
			f.tellsFaultsApart()
		})
	}
}

// echoes: host, name of the certificate, version and body.
func (f *front) echoes(proto string) {
	f.t.Helper()
	_, body := f.ask(wireRequest("POST", "/public/echo", "Transfer-Encoding: chunked", "X-Forwarded-User: admin") + "3\r\nabc\r\n0\r\n\r\n")
	var got seen
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		f.t.Fatalf("%v: %s", err, body)
	}
	if got.Proto != proto || got.Host != "localhost" || got.Body != "abc" || got.Header["X-Forwarded-User"] != nil {
		f.t.Errorf("the application got %+v", got)
	}
	if got.SNI != "" && got.SNI != "localhost" {
		f.t.Errorf("it was asked for the certificate of %q", got.SNI)
	}
}

// continues: the body is asked for when the application asks for it, and not when it does
// not want it (RFC 9110 §10.1.1).
func (f *front) continues() {
	f.t.Helper()
	c, r := f.raw(wireRequest("POST", "/public/echo", "Content-Length: 3", "Expect: 100-continue"))
	if line, err := r.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		f.t.Fatalf("got %q, %v", line, err)
	}
	_, _ = r.ReadString('\n')
	_, _ = io.WriteString(c, "abc")
	if res, body := readFinal(f.t, r); res.StatusCode != 200 || !strings.Contains(body, `"Body":"abc"`) {
		f.t.Errorf("after 100: %d %s", res.StatusCode, body)
	}
	_, r = f.raw(wireRequest("POST", "/public/refuses", "Content-Length: 3000000", "Expect: 100-continue"))
	if res, body := readFinal(f.t, r); res.StatusCode != 413 || !strings.Contains(body, "too large for me") {
		f.t.Errorf("a body that nobody wants: %d %s", res.StatusCode, body)
	}
}

// passesInterim: 103 and trailers, announced and not.
func (f *front) passesInterim() {
	f.t.Helper()
	_, r := f.raw(wireRequest("GET", "/public/hints"))
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusEarlyHints || res.Header.Get("Link") != "</a.css>; rel=preload" {
		f.t.Errorf("early hints: %v, %v", res, err)
	}
	if res, body := readFinal(f.t, r); res.StatusCode != 200 || body != "whole" {
		f.t.Errorf("after 103: %d %s", res.StatusCode, body)
	}
	res, body := f.ask(wireRequest("GET", "/public/trailers", "TE: trailers"))
	if body != "body" || res.Trailer.Get("X-Sum") != "4" || res.Trailer.Get("X-Unannounced") != "5" {
		f.t.Errorf("%q with the trailers %v", body, res.Trailer)
	}
}

// streamsEvents: the first is there although the second never comes.
func (f *front) streamsEvents() {
	f.t.Helper()
	c, r := f.raw(wireRequest("GET", "/public/events"))
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	event := make([]byte, len("data: 1\n\n"))
	if _, err := io.ReadFull(res.Body, event); err != nil || string(event) != "data: 1\n\n" {
		f.t.Errorf("of server-sent events came %q, %v", event, err)
	}
	c.Close()
}

// tellsFaultsApart: a fault of ours says so in Sallyport-Error, one of the application's
// does not, whatever its status.
func (f *front) tellsFaultsApart() {
	f.t.Helper()
	for _, status := range []string{"502", "504"} {
		if res, body := f.ask(wireRequest("GET", "/public/"+status)); !strings.HasPrefix(res.Status, status) || res.Header.Get("Sallyport-Error") != "" || body != "my own trouble\n" {
			f.t.Errorf("the application's %s: %d %v %s", status, res.StatusCode, res.Header, body)
		}
	}
	res, body := f.ask(wireRequest("GET", "/public/hangs", "Accept: text/html"))
	if res.StatusCode != http.StatusGatewayTimeout || res.Header.Get("Sallyport-Error") != "upstream_timeout" || !strings.Contains(body, "<!doctype html>") {
		f.t.Errorf("an application that hangs: %d %v %s", res.StatusCode, res.Header, body)
	}
}

// TestUpstreamIsNotReached: 502, by each way, and the certificate that nobody vouches for.
func TestUpstreamIsNotReached(t *testing.T) {
	for name, env := range map[string]func(*front) []string{
		"http":  func(f *front) []string { return []string{"SALLYPORT_UPSTREAM=http://127.0.0.1:" + freePort(f.t)} },
		"h2c":   func(f *front) []string { return []string{"SALLYPORT_UPSTREAM=h2c://127.0.0.1:" + freePort(f.t)} },
		"unix":  func(f *front) []string { return []string{"SALLYPORT_UPSTREAM=unix://" + f.t.TempDir() + "/none"} },
		"https": func(f *front) []string { return []string{"SALLYPORT_UPSTREAM=https://127.0.0.1:" + freePort(f.t)} },
		"unknown certificate": func(f *front) []string {
			return upstreamKinds[3].start(f)[:1]
		},
		"no TLS": func(f *front) []string {
			return []string{strings.Replace(upstreamKinds[0].start(f)[0], "http://", "https://", 1)}
		},
		"certificate of another name": func(f *front) []string {
			env := upstreamKinds[3].start(f)
			return []string{strings.Replace(env[0], "localhost", "127.0.0.1", 1), env[1]}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := planFront(t)
			f.run(env(f)...)
			res, body := f.ask(wireRequest("GET", "/public/echo"))
			if res.StatusCode != http.StatusBadGateway || res.Header.Get("Sallyport-Error") != "upstream_unreachable" || strings.Contains(body, "127.0.0.1") {
				t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
			}
		})
	}
}

// TestListenerOnUnixSocket: peers there have no address, and are trusted by a word alone.
func TestListenerOnUnixSocket(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		f := planFront(t)
		env := append(upstreamKinds[0].start(f), "SALLYPORT_LISTEN=unix://"+f.dir+"/front")
		if trusted {
			env = append(env, "SALLYPORT_TRUSTED_PROXIES=unix")
		}
		f.run(env...)
		_, body := f.ask(wireRequest("GET", "/public/echo", "X-Forwarded-For: 203.0.113.9", "X-Real-IP: 203.0.113.9"))
		if strings.Contains(body, "203.0.113.9") != trusted {
			t.Errorf("FW-10 trusted %v: the application got %s", trusted, body)
		}
	}
}

// TestListenerSpeaksNoH2C: HT-15, HT-16. HTTP/2 without TLS would be a second way in.
func TestListenerSpeaksNoH2C(t *testing.T) {
	for _, kind := range upstreamKinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			f := planFront(t)
			f.run(kind.start(f)...)
			_, r := f.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
			if all, _ := io.ReadAll(r); !strings.HasPrefix(string(all), "HTTP/1.1 4") && !strings.HasPrefix(string(all), "HTTP/1.1 505") {
				t.Errorf("the preface of HTTP/2 got %q", all)
			}
			res, body := f.ask(wireRequest("GET", "/public/echo", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"))
			var got seen
			if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != 200 || got.Header["Upgrade"] != nil || got.Header["Http2-Settings"] != nil {
				t.Errorf("Upgrade: h2c got %d %s", res.StatusCode, body)
			}
		})
	}
}

// TestListenerTLS: HTTP/2 and HTTP/1.1 by one certificate, then by the one after it,
// without a restart and without the loss of a connection.
func TestListenerTLS(t *testing.T) {
	f := planFront(t)
	f.public = "https://localhost"
	f.run(append(upstreamKinds[0].start(f), "SALLYPORT_TLS_CERT_FILE="+f.dir+"/app.crt", "SALLYPORT_TLS_KEY_FILE="+f.dir+"/app.key")...)
	client := func(protocol string) *http.Client {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: f.roots, ServerName: "localhost"}, Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP1(protocol == "HTTP/1.1")
		transport.Protocols.SetHTTP2(protocol == "HTTP/2.0")
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport, Timeout: patience}
	}
	ask := func(c *http.Client) (*http.Response, error) {
		r, err := http.NewRequest(http.MethodGet, "https://"+f.addr+"/public/echo", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "localhost"
		res, err := c.Do(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		return res, err
	}
	first := client("HTTP/2.0")
	for protocol, c := range map[string]*http.Client{"HTTP/2.0": first, "HTTP/1.1": client("HTTP/1.1")} {
		if res, err := ask(c); err != nil || res.StatusCode != 200 || res.Proto != protocol {
			t.Errorf("%s: %v, %v", protocol, res, err)
		}
	}
	for version, name := range map[uint16]string{tls.VersionTLS10: "1.0", tls.VersionTLS11: "1.1"} {
		if c, err := tls.Dial("tcp", f.addr, &tls.Config{RootCAs: f.roots, ServerName: "localhost", MinVersion: version, MaxVersion: version}); err == nil {
			c.Close()
			t.Errorf("TLS %s is spoken", name)
		}
	}
	_, plain := f.raw(wireRequest("GET", "/public/echo"))
	if all, _ := io.ReadAll(plain); strings.Contains(string(all), " 200 ") {
		t.Errorf("without TLS: %q", all)
	}

	f.certify()
	f.await("the new certificate", func() bool {
		res, err := ask(client("HTTP/2.0"))
		return err == nil && res.StatusCode == 200
	})
	if res, err := ask(first); err != nil || res.StatusCode != 200 {
		t.Errorf("the connection from before: %v, %v", res, err)
	}
}

// TestWebSocketsThroughEachUpstream: forward and back, for somebody who is signed in.
// Over h2c there are none, and the application is asked without the upgrade.
func TestWebSocketsThroughEachUpstream(t *testing.T) {
	for _, kind := range upstreamKinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			w := planWorld(t)
			f := &front{edge: &edge{world: w, dir: t.TempDir()}, addr: "127.0.0.1:" + portOf(w.public)}
			f.certify()
			f.startProvider()
			f.startSallyport(kind.start(f)...)
			f.awaitReady()
			b := newBrowser(t)
			f.signIn(b, "/echo", "ada")
			c, r := f.raw(strings.Join([]string{
				"GET /socket HTTP/1.1", "Host: " + strings.TrimPrefix(f.public, "http://"), f.cookies(b), "Origin: " + f.public, "Connection: Upgrade", "Upgrade: websocket",
				"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", "",
			}, "\r\n"))
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if kind.name == "h2c" {
				if res.StatusCode != http.StatusInternalServerError || res.Header.Get("Sallyport-Error") != "" {
					t.Errorf("over h2c: %d %v", res.StatusCode, res.Header)
				}
				return
			}
			if res.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("status %d", res.StatusCode)
			}
			for _, frame := range []string{"\x81\x85\x00\x00\x00\x00hello", "\x89\x80\x00\x00\x00\x00"} {
				_, _ = io.WriteString(c, frame)
				back := make([]byte, len(frame))
				if _, err := io.ReadFull(r, back); err != nil || string(back) != frame {
					t.Errorf("back came %q, %v", back, err)
				}
			}
			_ = c.SetDeadline(time.Now().Add(patience))
		})
	}
}
