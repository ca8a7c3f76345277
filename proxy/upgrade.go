package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// errUpgraded is what httputil hears of an upgrade: that the answer is given.
var errUpgraded = errors.New("the connection has been upgraded")

// upgrade gives the client the app's 101 and joins the two connections. httputil would
// do it in the request's goroutine, which would then hold all that net/http has for a
// request as long as the WebSocket is open: docs/adr/0191-idle-websockets.md.
//
// It returns errUpgraded once the client's connection is taken over, whatever happens
// then; the exchange is recorded when both connections are closed.
func (x *exchange) upgrade(res *http.Response) error {
	asked, given := res.Request.Header.Get("Upgrade"), res.Header.Get("Upgrade")
	app, ok := res.Body.(io.ReadWriteCloser)
	if !ok || asked == "" || !strings.EqualFold(asked, given) {
		return fmt.Errorf("the app switched to protocol %q when %q was requested", given, asked)
	}
	conn, rw, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		return fmt.Errorf("taking over the client's connection: %w", err)
	}
	x.hijacked, x.status = true, http.StatusSwitchingProtocols
	t := &tunnel{
		client: x.site.streams.upgraded(conn, app, x.in.Context(), x.decision.Session), app: app,
		buffers: x.site.streams.buffers, over: func() { x.site.record(x) },
	}
	err = switchProtocols(rw, x.Header(), res)
	res.Body = http.NoBody // httputil closes the body of an answer that it does not forward
	if err != nil {
		t.end()
		return errUpgraded
	}
	t.start()
	return errUpgraded
}

// switchProtocols writes the header section of res, below ours.
func switchProtocols(rw *bufio.ReadWriter, ours http.Header, res *http.Response) error {
	for name, values := range res.Header {
		ours[name] = append(ours[name], values...)
	}
	res.Header, res.Body = ours, nil
	if err := res.Write(rw); err != nil {
		return err
	}
	return rw.Flush()
}
