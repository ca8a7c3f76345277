package proxy

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sallyport/sallyport/session"
)

// endings are the ways in which a session ends that its browser did not ask for. here
// is the session that asks, there the one that ends.
func endings() map[string]func(m *managed, here, there string) {
	return map[string]func(m *managed, here, there string){
		"LO-20 ended from the list": func(m *managed, here, _ string) {
			m.post(here, "session="+other(m.listOf(here))).wantStatus(m.t, 303)
		},
		"LO-20 ended with all others": func(m *managed, here, _ string) {
			m.postJSON(here, `{"others":true}`).wantStatus(m.t, 200)
		},
		"LO-20 ended by an administrator": func(m *managed, _, there string) {
			h, err := session.ParseHandle(m.listOf(there).Sessions[0].ID)
			if err != nil {
				m.t.Fatal(err)
			}
			if was, err := m.manager.EndHandle(context.Background(), h, session.EndedByAdmin); !was || err != nil {
				m.t.Errorf("ended %v, %v", was, err)
			}
		},
	}
}

// atOnce is how long a stream may outlive its session.
const atOnce = 20 * time.Second

func TestEndElsewhereClosesWebSocket(t *testing.T) {
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			m := newManaged(t, echoApp(t).URL)
			here, there := m.signIn("alice"), m.signIn("alice")
			ctx, cancel := context.WithTimeout(context.Background(), atOnce)
			defer cancel()
			stays, goes := m.openWebSocket(ctx, here), m.openWebSocket(ctx, there)
			end(m, here, there)
			if _, _, err := goes.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
				t.Errorf("closed with %v", err)
			}
			if err := stays.Write(ctx, websocket.MessageText, []byte("still here")); err != nil {
				t.Error(err)
			}
			if _, data, err := stays.Read(ctx); err != nil || string(data) != "still here" {
				t.Errorf("the session that asked read %q, %v", data, err)
			}
		})
	}
}

func TestEndElsewhereEndsEventStream(t *testing.T) {
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			m := newManaged(t, "")
			here, there := m.signIn("alice"), m.signIn("alice")
			m.app.answerBy(sseApp("text/event-stream"))
			c := m.dial()
			c.write(request("GET", "/events", "Cookie: "+there))
			res, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(io.LimitReader(res.Body, 13)).ReadString('\n'); err != nil {
				t.Fatalf("the first event is %q, %v", line, err)
			}
			end(m, here, there)
			_ = c.SetReadDeadline(time.Now().Add(atOnce))
			if _, err := io.ReadAll(res.Body); err != nil {
				t.Errorf("the stream was not ended tidily: %v", err)
			}
			m.get("/", "Cookie: "+there).wantStatus(t, 401)
		})
	}
}

// openWebSocket returns one that has read the app's first message.
func (m *managed) openWebSocket(ctx context.Context, cookie string) *websocket.Conn {
	m.t.Helper()
	c, err := m.webSocket(ctx, cookie)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = c.CloseNow() })
	if _, _, err := c.Read(ctx); err != nil {
		m.t.Fatal(err)
	}
	return c
}
