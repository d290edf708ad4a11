// The board must never look fresher than it is: a refresh that failed is said until one succeeds.
"use strict";
const lost = (isLost) => {
  const said = document.getElementById("lost");
  if (said) said.hidden = !isLost;
};
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(failure, () => lost(true));
}
