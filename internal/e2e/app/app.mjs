// An application that knows nothing of Sallyport, on nothing but Node's own http:
// it answers with what it received. It listens on a free port of 127.0.0.1 and
// says so on standard output: {"event":"listening","address":"127.0.0.1:…"}.
//
//   /events       server-sent events: one at once, then one every 100 ms
//   /socket       a WebSocket that says nothing, like any other path that is asked
//                 for an upgrade
//   /slow?ms=N    answers after N milliseconds, and says on standard output when
//                 the request came in
//   /form         a page with a form that posts to /orders
//   /orders       says on standard output which body was posted
//   any other     the request as JSON; headers as [name, value] pairs, as spelt

import { createHash } from "node:crypto";
import { createServer } from "node:http";

const say = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + "\n");

function pairs(raw) {
  const list = [];
  for (let i = 0; i < raw.length; i += 2) {
    list.push([raw[i], Buffer.from(raw[i + 1], "latin1").toString("utf8")]);
  }
  return list;
}

function events(req, res) {
  res.writeHead(200, { "content-type": "text/event-stream" });
  let n = 0;
  const tick = () => res.write(`data: ${++n}\n\n`);
  tick();
  const pace = setInterval(tick, 100);
  req.on("close", () => clearInterval(pace));
}

const server = createServer(async (req, res) => {
  const url = new URL(req.url, "http://app");
  if (url.pathname === "/events") return events(req, res);
  if (url.pathname === "/slow") {
    say("slow");
    setTimeout(() => res.end("done\n"), Number(url.searchParams.get("ms")));
    return;
  }
  if (url.pathname === "/form") {
    res.setHeader("content-type", "text/html; charset=utf-8");
    res.end(`<!doctype html><title>Order</title><form method="post" action="/orders?from=form">
<input name="title"><textarea name="note"></textarea><input type="checkbox" name="tag" value="a" checked><input type="checkbox" name="tag" value="b" checked>
<button name="submit" value="now">Order</button></form>`);
    return;
  }
  const digest = createHash("sha256");
  let bytes = 0;
  let body = "";
  for await (const chunk of req) {
    bytes += chunk.length;
    digest.update(chunk);
    if (url.pathname === "/orders") body += chunk.toString("latin1");
  }
  if (url.pathname === "/orders" && req.method === "POST") {
    say("ordered", { url: req.url, body, user: req.headers["x-forwarded-user"], origin: req.headers["origin"] });
    res.setHeader("content-type", "text/html; charset=utf-8");
    res.end("<!doctype html><title>Ordered</title><p id=ordered>Thank you");
    return;
  }
  res.setHeader("content-type", "application/json");
  res.end(JSON.stringify({ method: req.method, url: req.url, headers: pairs(req.rawHeaders), trailers: pairs(req.rawTrailers), bytes, sha256: digest.digest("hex") }));
});

// The handshake of RFC 6455 §4.2.2, and then silence. Any other protocol is agreed to
// as well, which no proxy should have let through.
server.on("upgrade", (req, socket) => {
  const accept = createHash("sha1").update(req.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${req.headers.upgrade}\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.on("error", () => socket.destroy());
});

server.listen(0, "127.0.0.1", () => say("listening", { address: `127.0.0.1:${server.address().port}` }));
process.on("SIGTERM", () => process.exit(0));
