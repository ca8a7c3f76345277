"use strict";
(() => {
  const clock = (name) => {
    const box = document.querySelector(`[data-clock="${name}"]`);
    const show = (state, said) => {
      box.dataset.state = state;
      box.querySelector(".said").textContent = said;
    };
    return {
      tick(t) {
        if (!t.time) return;
        box.querySelector(".time").textContent = t.time;
        box.dataset.ticks = t.n;
        show("open", t.n === 1 ? "1 tick" : `${t.n} ticks`);
      },
      closed(why) { show("closed", why); },
    };
  };

  const ws = clock("ws");
  const address = new URL("ws", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address);
  socket.onmessage = (e) => ws.tick(JSON.parse(e.data));
  socket.onclose = (e) => ws.closed(`closed (${e.code})`);

  const sse = clock("sse");
  const events = new EventSource("events");
  events.onmessage = (e) => sse.tick(JSON.parse(e.data));
  events.onerror = () => sse.closed(events.readyState === EventSource.CLOSED ? "closed" : "reconnecting");
})();
