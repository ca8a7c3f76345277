// Tells a page when its session is about to end, and when it is over: in this tab
// or another, here, at the identity provider or by an administrator. It reads
// GET session beside it, which prolongs nothing, while the tab is visible. One tab of
// a browser has GET session/events open, which tells of the end at once; tabs tell
// each other. How to use it: docs/integrations/spa.md.
//
//   <script src="/oauth2/session.js" data-every="15" data-warn="120" defer></script>
//
// Events on window, with their details:
//   sallyport:active  {sub, secondsLeft}          there is a session, again or still
//   sallyport:ending  {sub, secondsLeft, idle}    it ends soon; idle: any request to the app prolongs it
//   sallyport:ended   {loginURL, popupURL, hadSession, replaced}  it is over; replaced: somebody else is signed in now
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
  const beat = 20 * 1000; // how often the tab with the stream says that it works,
  const silence = 90 * 1000; // and how long others believe it: browsers slow hidden tabs down
  const grace = 400; // a new sign-in ends the old session before the browser has the new cookie

  const endpoint = new URL("session", script.src);
  const name = "sallyport " + endpoint.pathname; // of what the tabs share
  const channel = "BroadcastChannel" in window ? new BroadcastChannel(name) : null;

  let state = "unknown"; // then active, ending or over
  let owner = null; // whose page this is
  let known = null; // the owner's session as last seen: {key, sub, endsAt, idle}
  let seen = null; // the key of the session that this browser has, whoever's it is; null: none
  let stranger = false; // somebody else is signed in now, and the page was told
  let failures = 0;
  let asking = false;
  let again = false; // somebody asked for a look while one was under way
  let timer = 0;
  let heard = 0; // when some tab's stream was last known to work

  const visible = () => document.visibilityState === "visible";
  const left = () => Math.max(0, Math.round((known.endsAt - Date.now()) / 1000));

  // A deferred script after this one may listen, and run later than the first answer comes.
  const ready = new Promise((resolve) => {
    if (document.readyState === "complete") {
      resolve();
    }
    document.addEventListener("DOMContentLoaded", resolve);
    window.addEventListener("load", resolve);
  });

  const tell = (name, detail) => ready.then(() => window.dispatchEvent(new CustomEvent("sallyport:" + name, { detail })));

  // alive takes in that there is a session, as the endpoint or another tab says.
  const alive = (session, at) => {
    const person = JSON.stringify([session.idp, session.user.sub]);
    seen = JSON.stringify([person, session.created_at]);
    listen();
    owner ??= person;
    if (person !== owner) {
      over(true);
      return;
    }
    stranger = false;
    const renewed = known !== null && known.key !== seen; // by another sign-in
    const idle = Boolean(session.idle_expires_at) && session.idle_expires_at < session.expires_at;
    known = { key: seen, sub: session.user.sub, endsAt: at + session.seconds_left * 1000, idle };
    if (left() > warn) {
      if (state !== "active" || renewed) {
        state = "active";
        tell("active", { sub: known.sub, secondsLeft: left() });
      }
    } else if (state !== "ending") {
      state = "ending";
      tell("ending", { sub: known.sub, secondsLeft: left(), idle });
    }
  };

  const loginFor = (rd) => {
    const login = new URL("login", script.src);
    login.searchParams.set("rd", rd);
    return login.pathname + login.search;
  };

  // over takes in that the session that the page was made with is over.
  const over = (replaced) => {
    if (state === "over" && (!replaced || stranger)) {
      return;
    }
    const hadSession = known !== null;
    state = "over";
    stranger = replaced;
    tell("ended", {
      loginURL: loginFor(location.pathname + location.search + location.hash),
      popupURL: loginFor(new URL("signed-in", script.src).pathname),
      hadSession, replaced,
    });
  };

  // gone takes in that this browser has no session.
  const gone = () => {
    seen = null;
    hangUp();
    over(false);
  };

  const publish = (message) => channel && channel.postMessage(message);

  const look = () => visible() && check();

  const check = async () => {
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
        publish({ over: true, key: seen });
        gone();
      } else {
        throw new Error("status " + answer.status);
      }
      failures = 0;
    } catch {
      failures++; // nobody knows: the store or the network is down
    }
    asking = false;
    if (again) {
      check();
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
    const told = state === "active" && failures === 0 && Date.now() - heard < silence;
    let wait = Math.min(every * (told ? 4 : 2 ** failures), slowest) * (0.9 + 0.2 * Math.random());
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

  // hear takes in when a stream was known to work; at 0 there is none any more.
  const hear = (at) => {
    heard = at;
    if (at === 0) {
      schedule();
    }
  };

  if (channel) {
    channel.onmessage = ({ data }) => {
      if ("heard" in data) {
        hear(data.heard);
        return;
      }
      if (data.signedIn) {
        check(); // a popup of this page or another has signed in
        return;
      }
      if (data.over) {
        if (state === "over" || !known || known.key === data.key) {
          gone();
        } else {
          look();
        }
      } else {
        alive(data.session, data.at);
        failures = 0;
        if (stream && heard) {
          publish({ heard }); // that tab may be a new one
        }
      }
      schedule();
    };
  }

  // The stream is held by the tab that has the lock; the others wait for it.
  let leave = null; // gives the lock back, in the tab that has it
  let waiting = null; // ends the wait for it
  let stream = null;
  let pulse = 0;
  let late = 0;
  let resting = 0; // set while no stream is to be opened
  let misses = 0;

  const works = (at) => {
    hear(at);
    publish({ heard: at });
  };

  const hangUp = () => {
    clearTimeout(late);
    clearInterval(pulse);
    if (stream) {
      stream.close();
      stream = null;
      works(0);
    }
  };

  // pause opens no stream for so long, and then goes on.
  const pause = (wait, next) => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      resting = 0;
      next();
    }, wait);
  };

  const rest = () => {
    hangUp();
    misses++;
    pause(Math.min(every * 2 ** misses, slowest), listen);
  };

  const listen = () => {
    if (!leave || stream || resting || seen === null) {
      return;
    }
    stream = new EventSource(new URL("session/events", script.src));
    late = setTimeout(rest, patience); // somebody in between holds it back
    stream.addEventListener("live", () => {
      clearTimeout(late);
      clearInterval(pulse);
      pulse = setInterval(() => works(Date.now()), beat);
      misses = 0;
      works(Date.now());
      check(); // it may have ended before
    });
    stream.addEventListener("ended", () => {
      hangUp();
      pause(grace, check);
    });
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) {
        rest();
        look();
      } else { // the browser opens it again by itself
        clearInterval(pulse);
        works(0);
      }
    });
  };

  const lead = () => {
    if (navigator.locks && "EventSource" in window) {
      waiting = new AbortController();
      const held = () => new Promise((resolve) => {
        leave = resolve;
        listen();
      });
      navigator.locks.request(name, { signal: waiting.signal }, held).catch(() => {});
    }
  };

  const retire = () => {
    hangUp();
    clearTimeout(resting);
    resting = 0;
    if (leave) {
      leave();
      leave = null;
    } else if (waiting) {
      waiting.abort();
    }
  };

  document.addEventListener("visibilitychange", () => (visible() ? check() : clearTimeout(timer)));
  window.addEventListener("pagehide", retire);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) { // back from the cache
      lead();
      look();
    }
  });
  window.addEventListener("online", look);
  window.addEventListener("sallyport:check", look);
  lead();
  look();
})();
