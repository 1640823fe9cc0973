// Where the network looked: drawn by the server on request, below the picture.

import { ask } from "./api.js";
import { button, make, show } from "./dom.js";

let latest = { key: null, element: null }; // what is open is filled in again when the server tells more of it

export function whereItLooked(result) {
  const key = `${result.id} ${result.sha256} ${result.model_sha256}`;
  if (latest.key !== key) latest = { key, element: toggled(result) };
  return latest.element;
}

function toggled(result) {
  const problem = make("p", { class: "notice", role: "status", hidden: true });
  const place = make("div", { class: "looked", hidden: true });
  const toggle = button("Where it looked", () => turn(toggle.getAttribute("aria-pressed") === "false"));
  toggle.setAttribute("aria-pressed", "false");

  function turn(on) {
    toggle.setAttribute("aria-pressed", String(on));
    place.hidden = !on;
    show(problem, "");
    if (on && !place.firstChild) load();
  }

  function load() {
    const source = `/api/results/${result.id}/map`;
    const image = make("img", { alt: "Left the part of the picture that the network saw; right the same in grey, orange where it spoke for the answer, blue where it spoke against it" });
    image.addEventListener("error", async () => {
      place.replaceChildren();
      toggle.setAttribute("aria-pressed", "false");
      place.hidden = true;
      show(problem, await reason(source));
    });
    image.src = source;
    place.replaceChildren(image);
  }

  return make("div", { class: "looked-at" }, toggle, problem, place);
}

// An image that could not be had does not say why; the same request does.
async function reason(source) {
  try {
    await ask(source);
  } catch (error) {
    if (error.status) return error.message;
  }
  return "The map could not be loaded; try again.";
}
