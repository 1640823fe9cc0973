// How a result looks: as a card, as a row of the history, and with all its details.

import { fileName, find, make, percent, time } from "./dom.js";

export const RESEARCH_USE = "For research use, not a diagnosis.";
const SOURCES = { upload: "this page", watch: "watched folder", camera: "camera", file: "command line" };
const STAGES = { 1: "the cascade's first model", 2: "the cascade's large model" };
const TONES = 6;
let classes = [];

// Class names in output order: each keeps its colour wherever it is shown.
export function useClasses(names, positive) {
  classes = positive ? [positive, ...names.filter((name) => name !== positive)] : names;
}

export function tone(label) {
  const position = classes.indexOf(label);
  return position < 0 ? "" : `tone-${position % TONES}`;
}

export function picture(result, lazy = true) {
  const frame = make("div", { class: "picture" });
  const image = make("img", { alt: `Cell image ${fileName(result.path)}`, loading: lazy ? "lazy" : null });
  const address = `/api/results/${result.id}/picture`;
  let tries = 0;
  image.addEventListener("error", () => {
    tries += 1;
    if (tries > 2) frame.replaceChildren("no picture");
    else setTimeout(() => { image.src = address; }, 1500 * tries); // busy, perhaps
  });
  image.src = address;
  frame.append(image);
  return frame;
}

export function chances(result) {
  const sorted = Object.entries(result.probabilities).sort((one, other) => other[1] - one[1]);
  const lines = sorted.slice(0, 4).map(([label, probability]) => {
    const fill = make("div", { class: "fill" });
    fill.style.width = `${Math.min(100, 100 * probability)}%`;
    return make("div", { class: `chance ${tone(label)}` }, make("span", {}, label),
      make("div", { class: "track", "aria-hidden": "true" }, fill), make("span", { class: "value" }, percent(probability)));
  });
  return make("div", { class: "chances" }, ...lines);
}

export function answer(result) {
  return make("div", { class: `answer ${tone(result.label)}` }, make("span", { class: "label" }, result.label),
    make("span", { class: "percent" }, percent(result.probability)));
}

const opener = (result, text) => make("button", { type: "button", class: "link", title: result.path, onclick: () => showDetails(result) }, text);

export function fillCard(card, result, notes = []) {
  card.className = "card";
  const facts = [result.subject ? `subject ${result.subject}` : null, ...notes, SOURCES[result.source] ?? result.source];
  card.replaceChildren(
    picture(result),
    answer(result),
    chances(result),
    make("div", { class: "name" }, opener(result, fileName(result.path))),
    make("div", { class: "foot" }, time(result.created), ...facts.filter(Boolean).map((fact) => make("span", {}, fact)),
      make("span", { class: "research" }, RESEARCH_USE)),
  );
  return card;
}

export function row(result) {
  const cells = [picture(result), answer(result), opener(result, fileName(result.path)), result.subject ?? "",
    SOURCES[result.source] ?? result.source, time(result.created)];
  return make("tr", { "data-id": result.id }, ...cells.map((cell) => make("td", {}, ...(cell === "" ? [] : [cell]))));
}

export function facts(pairs) {
  return pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
}

export function showDetails(result) {
  find("details-title").textContent = fileName(result.path);
  const times = `${result.prepare_ms.toFixed(1)} ms to prepare, ${result.invoke_ms.toFixed(1)} ms to infer`;
  find("details-body").replaceChildren(
    picture(result, false), answer(result), chances(result), make("p", { class: "research" }, RESEARCH_USE),
    make("dl", { class: "facts" }, ...facts([
      ["Subject", result.subject], ["Time", time(result.created)], ["From", SOURCES[result.source] ?? result.source],
      ["Path", result.path], ["Number", String(result.id)], ["Took", times], ["Answered by", STAGES[result.stage]],
      ["Device", result.device],
      ["Image SHA-256", result.sha256], ["Model SHA-256", result.model_sha256],
    ])),
  );
  find("details").showModal();
}
