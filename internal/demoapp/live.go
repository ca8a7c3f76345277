package demoapp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// tick is one beat of a clock; Echo is set instead when a message came back.
type tick struct {
	N    int    `json:"n,omitempty"`
	Time string `json:"time,omitempty"`
	Echo string `json:"echo,omitempty"`
}

func (a *app) tick(n int) tick {
	return tick{N: n, Time: a.cfg.Now().Format(time.TimeOnly)}
}

// socket is a WebSocket that ticks and sends text messages back.
func (a *app) socket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()

	messages := make(chan string)
	go func() {
		defer cancel() // the peer closed or broke off
		for {
			_, text, err := conn.Read(ctx)
			if err != nil {
				return
			}
			select {
			case messages <- string(text):
			case <-ctx.Done():
				return
			}
		}
	}()
	_ = a.beat(ctx, messages, func(t tick) error { return wsjson.Write(ctx, conn, t) }) // ends when the peer does
}

// events is a stream of server-sent events that ticks.
func (a *app) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w)
	_ = a.beat(r.Context(), nil, func(t tick) error { // ends when the client does
		data, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", t.N, data); err != nil {
			return err
		}
		return flush.Flush()
	})
}

// beat sends a tick at once and then at the configured pace, and messages back
// as they come, until ctx ends or send fails.
func (a *app) beat(ctx context.Context, messages <-chan string, send func(tick) error) error {
	pace := time.NewTicker(a.cfg.Tick)
	defer pace.Stop()
	for n := 1; ; n++ {
		if err := send(a.tick(n)); err != nil {
			return err
		}
	wait:
		for {
			select {
			case <-pace.C:
				break wait
			case text := <-messages:
				if err := send(tick{Echo: text}); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}
