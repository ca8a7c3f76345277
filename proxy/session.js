// Tells a page when its session is about to end, and when it is over: in this tab
// or another, here, at the identity provider or by an administrator. One tab of a
// browser holds GET session/events open, on which the end is told at once; the tabs
// tell each other. Each visible tab also reads GET session now and then. Neither
// prolongs anything. How to use it: docs/integrations/spa.md.
//
//   <script src="/oauth2/session.js" data-every="15" data-warn="120" defer></script>
//
// Events on window, with their details:
//   sallyport:active  {sub, secondsLeft}          there is a session, again or still
//   sallyport:ending  {sub, secondsLeft, idle}    it ends soon; idle: any request to the app prolongs it
//   sallyport:ended   {loginURL, hadSession, replaced}  it is over; replaced: somebody else is signed in now
// and one for it to hear:
//   sallyport:check   look now, for example after a 401
(() => {
  "use strict";

  const script = document.currentScript;
  if (!script || window[Symbol.for("sallyport.session")]) {
    return;
  }
  window[Symbol.for("sallyport.session")] = true;

  const seconds = (name, fallback, least) => {
    const n = Number.parseFloat(script.dataset[name]);
    return Number.isFinite(n) && n >= 0 ? Math.max(n, least) : fallback;
  };
  const every = seconds("every", 15, 1) * 1000;
  const warn = seconds("warn", 120, 0);
  const slowest = Math.max(every, 5 * 60 * 1000);
  const patience = 10 * 1000;

  const endpoint = new URL("session", script.src);
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("sallyport " + endpoint.pathname) : null;

  let state = "unknown"; // then active, ending or over
  let owner = null; // whose page this is
  let known = null; // the owner's session as last seen: {key, sub, endsAt, idle}
  let failures = 0;
  let asking = false;
  let again = false; // somebody asked for a look while one was under way
  let timer = 0;
  let following = false;
  let followAfter = 0; // when a stream may be tried again

  const visible = () => document.visibilityState === "visible";
  const left = () => Math.max(0, Math.round((known.endsAt - Date.now()) / 1000));

  const tell = (name, detail) => window.dispatchEvent(new CustomEvent("sallyport:" + name, { detail }));

  // alive takes in that there is a session, as the endpoint or another tab says.
  const alive = (session, at) => {
    const person = JSON.stringify([session.idp, session.user.sub]);
    owner ??= person;
    if (person !== owner) {
      over(true);
      return;
    }
    const idle = Boolean(session.idle_expires_at) && session.idle_expires_at < session.expires_at;
    follow();
    known = { key: JSON.stringify([person, session.created_at]), sub: session.user.sub, endsAt: at + session.seconds_left * 1000, idle };
    if (left() > warn) {
      if (state !== "active") {
        state = "active";
        tell("active", { sub: known.sub, secondsLeft: left() });
      }
    } else if (state !== "ending") {
      state = "ending";
      tell("ending", { sub: known.sub, secondsLeft: left(), idle });
    }
  };

  // over takes in that the session that the page was made with is over.
  const over = (replaced) => {
    if (state === "over") {
      return;
    }
    const hadSession = state !== "unknown";
    state = "over";
    const login = new URL("login", script.src);
    login.searchParams.set("rd", location.pathname + location.search + location.hash);
    tell("ended", { loginURL: login.pathname + login.search, hadSession, replaced });
  };

  const publish = (message) => channel && channel.postMessage(message);

  // follow waits for its turn to hold the stream, and holds it until it ends. One
  // that is refused leaves the looking now and then.
  const follow = () => {
    if (following || Date.now() < followAfter || !("locks" in navigator) || !("EventSource" in window)) {
      return;
    }
    following = true;
    navigator.locks.request("sallyport " + endpoint.pathname, () => new Promise((done) => {
      const stream = new EventSource(new URL("session/events", script.src));
      const stop = () => {
        stream.close();
        following = false;
        done();
      };
      stream.addEventListener("ended", () => {
        stop();
        look();
      });
      stream.onerror = () => {
        if (stream.readyState === EventSource.CLOSED) {
          followAfter = Date.now() + slowest;
          stop();
        }
      };
    }));
  };

  const check = () => {
    if (visible()) {
      look();
    }
  };

  const look = async () => {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    again = false;
    clearTimeout(timer);
    try {
      const answer = await fetch(endpoint, {
        credentials: "same-origin", cache: "no-store", redirect: "error",
        headers: { Accept: "application/json" }, signal: AbortSignal.timeout(patience),
      });
      if (answer.status === 200) {
        const session = await answer.json();
        const at = Date.now();
        alive(session, at);
        publish({ session, at });
      } else if (answer.status === 401) {
        const key = known && known.key;
        over(false);
        publish({ over: true, key });
      } else {
        throw new Error("status " + answer.status);
      }
      failures = 0;
    } catch {
      failures++; // nobody knows: the store or the network is down
    }
    asking = false;
    if (again) {
      look();
    } else {
      schedule();
    }
  };

  // schedule plans the next look. Whoever has no session any more waits for a
  // person: the tab is shown again, or another tab has one.
  const schedule = () => {
    clearTimeout(timer);
    if (!visible() || state === "over") {
      return;
    }
    let wait = Math.min(every * 2 ** failures, slowest) * (0.9 + 0.2 * Math.random());
    if (known && failures === 0) {
      for (const moment of [known.endsAt - warn * 1000, known.endsAt]) {
        const until = moment - Date.now();
        if (until > 0 && until < wait) {
          wait = until + 250; // seconds_left has no fractions
        }
      }
      if (left() === 0) {
        wait = Math.min(wait, 1000);
      }
    }
    timer = setTimeout(check, wait);
  };

  if (channel) {
    channel.onmessage = ({ data }) => {
      if (data.over) {
        if (!known || known.key === data.key) {
          over(false);
        } else {
          check();
        }
      } else {
        alive(data.session, data.at);
        failures = 0;
      }
      schedule();
    };
  }
  document.addEventListener("visibilitychange", () => (visible() ? check() : clearTimeout(timer)));
  window.addEventListener("pageshow", (event) => event.persisted && check()); // back from the cache
  window.addEventListener("online", check);
  window.addEventListener("sallyport:check", check);
  check();
})();
