{
  const kept = sessionStorage.getItem("sallyport-form");
  sessionStorage.removeItem("sallyport-form"); // it is sent once
  if (kept === null) {
    location.replace(document.getElementById("home").href);
  } else {
    document.getElementById("sealed").value = kept;
    document.getElementById("form").submit();
  }
}
