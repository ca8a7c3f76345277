try {
  sessionStorage.setItem("sallyport-form", document.getElementById("sealed").value);
  location.replace(document.getElementById("next").href);
} catch {
  document.getElementById("lost").hidden = false;
}
