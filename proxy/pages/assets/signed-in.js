{
  const { channel, origins } = document.getElementById("done").dataset;
  // An identity provider with a Cross-Origin-Opener-Policy has cut the opener off;
  // the channel reaches every page of this origin all the same.
  if ("BroadcastChannel" in window) {
    const pages = new BroadcastChannel(channel);
    pages.postMessage({ signedIn: true });
    pages.close();
  }
  // A browser delivers each message only if the opener is of exactly that origin.
  if (window.opener) {
    for (const origin of [location.origin, ...origins.split(" ").filter(Boolean)]) {
      window.opener.postMessage({ type: "sallyport:signed-in" }, origin);
    }
  }
  window.close(); // does nothing to a window that a person opened
}
