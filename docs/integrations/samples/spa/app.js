"use strict";

const byId = (id) => document.getElementById(id);

// api asks the app's own backend. A 401 of Sallyport's says that the session is
// over: the script looks at once and tells everybody by its event.
async function api(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (answer.status === 401 && answer.headers.get("Sallyport-Error") === "sign_in_required") {
    window.dispatchEvent(new Event("sallyport:check"));
  }
  return answer;
}

async function showNotes() {
  const answer = await api("notes.json");
  if (!answer.ok) {
    return;
  }
  byId("notes").replaceChildren(...(await answer.json()).map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
}

let countdown = 0;

// There is a session: show what belongs to its person.
window.addEventListener("sallyport:active", ({ detail }) => {
  clearInterval(countdown);
  byId("ending").hidden = byId("over").hidden = true;
  byId("who").textContent = detail.sub;
  byId("app").hidden = false;
  showNotes();
});

// It ends soon. Only an idle session can be prolonged, by any request to the app.
window.addEventListener("sallyport:ending", ({ detail }) => {
  const until = Date.now() + detail.secondsLeft * 1000;
  const show = () => {
    const left = Math.max(0, Math.round((until - Date.now()) / 1000));
    byId("ending").firstElementChild.textContent = `Your session ends in ${left} s. Save your work.`;
  };
  clearInterval(countdown);
  countdown = setInterval(show, 1000);
  show();
  byId("stay").hidden = !detail.idle;
  byId("who").textContent = detail.sub;
  if (byId("app").hidden) {
    showNotes();
  }
  byId("ending").hidden = byId("app").hidden = false;
});

// It is over, wherever it was ended: show nothing private any more. What the person
// has typed stays in the hidden page, for them to go on with, and for nobody else.
window.addEventListener("sallyport:ended", ({ detail }) => {
  clearInterval(countdown);
  byId("notes").replaceChildren();
  byId("app").hidden = byId("ending").hidden = true;
  byId("why").textContent = detail.replaced
    ? "Somebody else has signed in with this browser."
    : "Your session has ended, here or elsewhere.";
  if (detail.replaced) {
    byId("draft").value = "";
  }
  byId("popup").hidden = detail.replaced;
  byId("popup").dataset.url = detail.popupURL;
  byId("login").href = detail.loginURL;
  byId("over").hidden = false;
});

// The popup closes itself, and sallyport:active comes when it has signed in. Where
// there are no popups the sign-in takes this window, and leads back to this route.
byId("popup").addEventListener("click", () => {
  const popup = window.open(byId("popup").dataset.url, "sallyport-sign-in", "popup,width=480,height=640");
  if (!popup) {
    location.assign(byId("login").href);
  }
});

byId("stay").addEventListener("click", async () => {
  await api("notes.json"); // counts as use, where the session endpoint does not
  window.dispatchEvent(new Event("sallyport:check"));
});
