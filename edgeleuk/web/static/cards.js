// How a result looks: as a card and as a row of the history.

import { address } from "./address.js";
import { displayName, modelName, tone } from "./classes.js";
import { breakable, fileName, find, make, percent, time } from "./dom.js";

export const RESEARCH_USE = "For research use, not a diagnosis.";
export const SOURCES = { upload: "this page", watch: "watched folder", camera: "camera", file: "command line" };
const FEW = 4;

// What a person said stands above what the model said.
export const labelOf = (result) => result.corrected_label ?? result.label;

// Of what a model says of an image with warnings nothing is made, until a person says what it is.
export const keptApart = (result) => result.warnings?.length > 0 && !result.corrected_label;

export function picture(result, lazy = true) {
  const frame = make("div", { class: "picture" });
  const image = make("img", { alt: `Cell image ${fileName(result.path)}`, loading: lazy ? "lazy" : null });
  const source = `/api/results/${result.id}/picture`;
  let tries = 0;
  image.addEventListener("error", () => {
    tries += 1;
    if (tries > 2) frame.replaceChildren("no picture");
    else setTimeout(() => { image.src = source; }, 1500 * tries); // busy, perhaps
  });
  image.src = source;
  frame.append(image);
  return frame;
}

// Bars, the longest first. With `most`, the rest is counted.
export function chances(result, most = FEW) {
  const sorted = Object.entries(result.probabilities).sort((one, other) => other[1] - one[1]);
  const shown = sorted.length === most + 1 ? sorted : sorted.slice(0, most);
  const lines = shown.map(([label, probability]) => bar(label, probability, percent(probability)));
  const rest = sorted.length - lines.length;
  return make("div", { class: "chances" }, ...lines, rest ? make("div", { class: "rest" }, `and ${rest} more classes`) : null);
}

export function bar(label, share, text) {
  const fill = make("div", { class: "fill" });
  fill.style.width = `${Math.min(100, 100 * share)}%`;
  return make("div", { class: `chance ${tone(label)}` }, make("span", { class: "label", title: displayName(label) }, ...breakable(displayName(label))),
    make("div", { class: "track", "aria-hidden": "true" }, fill), make("span", { class: "value" }, text));
}

export function answer(result) {
  const label = labelOf(result);
  const kind = keptApart(result) ? "answer apart" : `answer ${tone(label)}`;
  const said = result.corrected_label === null || result.corrected_label === undefined ? percent(result.probability)
    : label === result.label ? `confirmed, model ${percent(result.probability)}`
      : `corrected, model said ${displayName(result.label)} ${percent(result.probability)}`;
  return make("div", { class: kind }, make("span", { class: "label", title: displayName(label) }, ...breakable(displayName(label))),
    make("span", { class: "percent" }, said));
}

// A warning in words.
export const told = (warning) => warning === "uncertain" ? "uncertain, look yourself" : warning;

// Why a result is kept apart, where it is.
export function warnings(result) {
  if (!result.warnings?.length) return null;
  return make("div", { class: "warning" }, `${result.warnings.map(told).join(", ")}${keptApart(result) ? ": not counted in sums" : ""}`);
}

export const opener = (result, text) => make("a", { class: "link opener", title: result.path, href: address("history", {}, result.id) }, ...breakable(text));

// `name`: what the image was called when it was handed in now, where that differs from what the store calls it.
export function fillCard(card, result, { notes = [], name = null } = {}) {
  const facts = [result.subject ? `subject ${result.subject}` : null, ...notes, SOURCES[result.source] ?? result.source, modelName(result)];
  card.className = "card result";
  card.replaceChildren(
    picture(result), answer(result), chances(result), make("div", { class: "name" }, opener(result, name ?? fileName(result.path))),
    ...[warnings(result)].filter(Boolean),
    make("div", { class: "foot" }, time(result.created), ...facts.filter(Boolean).map((fact) => make("span", {}, fact))),
  );
  return remember(card, result, (changed) => fillCard(card, changed, { notes, name }));
}

export function row(result) {
  const line = make("tr", {});
  const fill = (shown) => {
    const said = make("div", {}, answer(shown), ...[warnings(shown)].filter(Boolean));
    const cells = [picture(shown), said, opener(shown, fileName(shown.path)), shown.subject ?? "",
      SOURCES[shown.source] ?? shown.source, make("span", {}, ...breakable(modelName(shown))), time(shown.created)];
    line.replaceChildren(...cells.map((cell) => make("td", {}, ...(cell === "" ? [] : [cell]))));
    return remember(line, shown, fill);
  };
  return fill(result);
}

// The element knows its result, and how to show it changed.
function remember(element, result, redraw) {
  element.dataset.id = result.id;
  element.result = result;
  element.redraw = redraw;
  return element;
}

export const shownOf = (id) => [...document.querySelectorAll(`[data-id="${id}"]`)];

// Somebody corrected it, here or elsewhere. An id of a store that was replaced means another image.
export function redraw(result) {
  for (const element of shownOf(result.id)) if (element.result.sha256 === result.sha256) element.redraw(result);
}

export const removeShown = (ids) => ids.forEach((id) => shownOf(id).forEach((element) => element.remove()));

export function facts(pairs) {
  return pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
}

export const knownSubjects = (names) => find("known-subjects").replaceChildren(...names.map((name) => make("option", { value: name })));
