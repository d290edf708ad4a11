// The board must never look fresher than it is: a refresh that failed is said until one succeeds.
"use strict";
const lost = (isLost) => {
  const said = document.getElementById("lost");
  if (said) said.hidden = !isLost;
};
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => {
    lost(true);
    const upload = event.target.closest("[data-upload]");
    if (upload) upload.querySelector("[data-failed]").hidden = false;
  });
}

// One tick for all of a page.
document.addEventListener("change", (event) => {
  const { all } = event.target.dataset;
  if (all) for (const box of document.getElementsByName(all)) box.checked = event.target.checked;
});

// Where the verifier stands; what he may not share he types.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-locate]");
  if (!button) return;
  const inputs = button.form.querySelectorAll("[data-degrees]");
  const found = ({ coords }) => {
    for (const input of inputs) input.value = coords[input.dataset.degrees].toFixed(7);
  };
  navigator.geolocation.getCurrentPosition(found, () => inputs[0].focus(), { timeout: 15000 });
});
