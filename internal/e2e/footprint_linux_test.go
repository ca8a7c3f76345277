package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

// What Sallyport may cost beside the app it stands in front of: docs/performance.md.
const (
	maxBinary = 20 << 20
	maxIdle   = 18 << 20
	// maxWebSocket is for one that is open and silent: 400 MiB for ten thousand.
	maxWebSocket = 40 << 10
	webSockets   = 500
)

// A package that finds methods by their names at run time has the linker keep every
// exported method of the program; text/template is one, and cost 12 MiB.
func TestBinaryIsSlim(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(binaries.sallyport)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxBinary {
		t.Errorf("the binary has %d bytes, more than %d; if `go build -ldflags=-dumpdep` says ReflectMethod, see docs/adr/0190-slim-binary.md", info.Size(), maxBinary)
	}
}

func TestMemoryOfAnIdleProcess(t *testing.T) {
	t.Parallel()
	// A small heap may be collected seldom; what lies about till then is nobody's.
	w := newWorld(t, "GOGC=100")
	if idle := w.resident(); idle > maxIdle {
		t.Errorf("%d bytes are resident before the first request, more than %d", idle, maxIdle)
	}
	b := newBrowser(t)
	w.signIn(b, "/", "ada")
	before := w.resident()
	for range webSockets {
		w.openWebSocket(b)
	}
	if each := (w.resident() - before) / webSockets; each > maxWebSocket {
		t.Errorf("a silent WebSocket takes %d bytes, more than %d", each, maxWebSocket)
	}
}

// resident is the memory of Sallyport's process that is in use now, in bytes.
func (w *world) resident() int {
	w.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.sallyport.cmd.Process.Pid))
	if err != nil {
		w.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kib int
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		w.t.Fatalf("reading VmRSS: %v", err)
	}
	return kib << 10
}

// openWebSocket opens one that nobody says anything on until the test ends.
func (w *world) openWebSocket(b *browser) {
	w.t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+portOf(w.public))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	request, err := http.NewRequest(http.MethodGet, w.public+"/socket", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Origin": w.public,
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		request.Header.Set(name, value)
	}
	for _, cookie := range b.client.Jar.Cookies(request.URL) {
		request.AddCookie(cookie)
	}
	if err := request.Write(conn); err != nil {
		w.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		w.t.Fatal(err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(answer.Body)
		w.t.Fatalf("opening a WebSocket: %s\n%s", answer.Status, body)
	}
}
