package e2e

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

// passesStreams: what arrives bit by bit goes on bit by bit. The application's streams
// never end, so that a proxy that waits for the end gives nothing.
func (e *edge) passesStreams(t *testing.T, b *browser) {
	e, b = e.in(t, b)
	response, err := b.client.Get(e.public + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	event := make([]byte, len("data: 1\n\n"))
	if _, err := io.ReadFull(response.Body, event); err != nil || string(event) != "data: 1\n\n" {
		t.Errorf("of server-sent events came %q, %v", event, err)
	}

	c := e.dial()
	lines := []string{
		"GET /socket HTTP/1.1", "Host: " + e.address(), e.cookies(b), "Origin: " + e.public, "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
	}
	if _, err := io.WriteString(c, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	upgraded, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if upgraded.StatusCode != http.StatusSwitchingProtocols || upgraded.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("a WebSocket of the site's own: %d %v", upgraded.StatusCode, upgraded.Header)
	}
}

// letsNoTunnelThrough: whoever gets an upgrade to something else than a WebSocket has a
// connection to the app in which nobody is asked again, about any path and with any
// identity (h2c smuggling), if the app agrees. This one agrees to everything.
func (e *edge) letsNoTunnelThrough(t *testing.T, b *browser) {
	e, b = e.in(t, b)
	settings := "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"
	for _, test := range [][]string{
		{"Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", settings},
		{"Upgrade: H2C", "Connection: keep-alive, upgrade"},
		{"Upgrade: TLS/1.0", "Connection: Upgrade"},
		{"Upgrade: websocket, h2c", "Connection: Upgrade"},
		{"Upgrade: h2c, websocket", "Connection: Upgrade"},
		{"Upgrade: websocket", "Upgrade: h2c", "Connection: Upgrade"},
		{"Upgrade: h2c", "Upgrade: websocket", "Connection: Upgrade"},
	} {
		for _, who := range []struct{ path, line string }{{"/public/x", "X-Nothing: 1"}, {"/x", e.cookies(b)}} {
			p := e.send(http.MethodGet, who.path, append(test, who.line)...)
			if to := p.header.Get("Upgrade"); p.status == http.StatusSwitchingProtocols && to != "websocket" {
				t.Errorf("%s with %q: the application agreed to %q", who.path, test, to)
			}
		}
	}
}
