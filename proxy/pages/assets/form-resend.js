{
  const form = document.getElementById("form");
  // Through the prototype, because fields may be called action or submit.
  HTMLFormElement.prototype.setAttribute.call(form, "action", form.getAttribute("data-to"));
  HTMLFormElement.prototype.submit.call(form);
}
