// All of one result, over the view it was opened from: what the model said, corrections by hand and who made them.

import { place, resultAddress } from "./address.js";
import { ask } from "./api.js";
import { answer, chances, facts, picture, redraw, removeShown, RESEARCH_USE, shownOf, SOURCES, warnings } from "./cards.js";
import { changeText } from "./changes.js";
import { displayName, modelName } from "./classes.js";
import { button, exactTime, fileName, find, make, show } from "./dom.js";
import { hasMore, loadMore } from "./history.js";
import { whereItLooked } from "./looked.js";

const STAGES = { 1: "the cascade's first model", 2: "the cascade's large model" };
const dialog = find("details");
let open = null;
let pushed = false; // whether this page's own link opened it, so that "back" leads to where it was
let dirty = false;
let by = "";

export function startDetails() {
  document.addEventListener("click", onLink);
  dialog.addEventListener("close", () => { if (open !== null) close(); }); // some browsers let no one hinder a second Esc
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  find("details-close").addEventListener("click", close);
  find("details-older").addEventListener("click", () => step(1));
  find("details-newer").addEventListener("click", () => step(-1));
  dialog.addEventListener("click", (event) => { if (event.target === dialog && outside(event)) close(); });
  dialog.addEventListener("input", (event) => { dirty ||= event.target.name !== "by"; });
  dialog.addEventListener("keydown", onKey);
}

// A link to a result leads to the history in a new tab, and opens over the view it stands in here.
function onLink(event) {
  const link = event.target.closest("a.opener");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  pushed = true;
  location.hash = resultAddress(link.closest("[data-id]").dataset.id);
}

// What the address says is what is open.
export async function route(id) {
  if (id === open) return;
  open = id;
  if (id === null) {
    pushed = false;
    dialog.close();
    return;
  }
  dirty = false;
  const known = shownOf(id).find((element) => element.offsetParent)?.result;
  if (known) fill(known);
  else blank(`Result ${id}`, "…");
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  await load(id, known);
}

// Somebody corrected or deleted it elsewhere; what is being typed here stays.
export const changedElsewhere = (result) => { if (result.id === open && !dirty) load(open, result); };
export function removedElsewhere(ids) {
  if (ids.includes(open)) blank("Deleted", "This result is no longer in the store.");
}

function close() {
  const back = pushed;
  pushed = false;
  if (back) history.back();
  else location.replace(resultAddress(null));
}

// A server that went, or a store that was replaced, may know another image by that number, or none.
async function load(id, known) {
  try {
    const result = await ask(`/api/results/${id}`);
    if (id !== open) return;
    if (known && result.sha256 !== known.sha256) blank(fileName(known.path), "This result is no longer in the store.");
    else fill(result);
  } catch (error) {
    if (id !== open || error.status === 401) return;
    if (known) show(find("details-problem"), error.message);
    else blank(`Result ${id}`, error.message);
  }
}

function blank(title, text) {
  find("details-title").textContent = title;
  find("details-body").replaceChildren(make("p", { class: "empty" }, text));
  steps();
}

function fill(result) {
  find("details-title").textContent = fileName(result.path);
  const times = `${result.prepare_ms.toFixed(1)} ms to prepare, ${result.invoke_ms.toFixed(1)} ms to infer`;
  find("details-body").replaceChildren(
    picture(result, false), whereItLooked(result), answer(result), ...[warnings(result)].filter(Boolean), chances(result, Infinity),
    make("p", { class: "research" }, RESEARCH_USE), corrections(result), make("dl", { class: "facts" }, ...facts([
      ["Subject", result.subject], ["Model", modelName(result)], ["Time", exactTime(result.created)], ["From", SOURCES[result.source] ?? result.source],
      ["Path", result.path], ["Also called", result.names?.join(", ")], ["Changed", changes(result)], ["Number", String(result.id)], ["Took", times],
      ["Answered by", STAGES[result.stage]], ["Device", result.device], ["Image SHA-256", result.sha256], ["Model SHA-256", result.model_sha256],
    ])),
  );
  steps();
}

function changes(result) {
  if (!result.changes?.length) return null;
  const lines = result.changes.map((change) => make("li", {}, `${exactTime(change.at)}, ${change.by}: ${changeText(change)}`));
  return make("ul", {}, ...lines);
}

function corrections(result) {
  const options = Object.keys(result.probabilities).map((name) => make("option", { value: name, selected: name === result.corrected_label }, displayName(name)));
  const label = make("select", { name: "label", id: "correct-label" }, make("option", { value: "" }, `as the model says (${displayName(result.label)})`), ...options);
  const subject = make("input", { name: "subject", id: "correct-subject", list: "known-subjects", maxlength: 128, autocomplete: "off", value: result.subject ?? "" });
  const author = make("input", { name: "by", id: "correct-by", maxlength: 128, autocomplete: "off", value: by });
  const save = (event) => {
    event.preventDefault();
    by = author.value.trim();
    const json = { subject: subject.value.trim() || null, label: label.value || null, ...(by ? { by } : {}) };
    run(async () => {
      const changed = await ask(`/api/results/${result.id}`, { method: "PATCH", json });
      dirty = false;
      redraw(changed);
      await load(result.id, changed);
    });
  };
  const field = (name, input, text) => make("div", { class: "field" }, make("label", { for: input.id }, name), input, text ? make("span", { class: "quiet" }, text) : null);
  return make("details", { class: "correct" }, make("summary", {}, "Correct or delete"), make("form", { class: "filters", onsubmit: save },
    field("Subject", subject), field("Label", label), field("By (optional)", author),
    make("div", { class: "actions" }, make("button", { class: "main", type: "submit" }, "Save"), ...deletion(result, author))),
  make("p", { id: "details-problem", class: "notice bad", role: "alert", hidden: true }));
}

function deletion(result, author) {
  const sure = make("span", { class: "sure", hidden: true }, "Delete this result for good?", button("Delete", () => run(async () => {
    await ask(`/api/results/${result.id}`, { method: "DELETE", query: { by: author.value.trim() } });
    removeShown([result.id]);
    close();
  }), "plain danger"), button("Keep", () => { sure.hidden = true; }));
  return [button("Delete…", () => {
    sure.hidden = false;
    sure.lastElementChild.focus();
  }, "plain danger"), sure];
}

async function run(work) {
  show(find("details-problem"), "");
  try {
    await work();
  } catch (error) {
    if (error.status !== 401) show(find("details-problem"), error.message);
  }
}

// The results beside it are those of the list below it.
function neighbours() {
  const ids = [...document.querySelectorAll(`#view-${CSS.escape(place().view || "classify")} [data-id]`)].map((element) => Number(element.dataset.id));
  const position = ids.indexOf(open);
  return position < 0 ? {} : { newer: ids[position - 1], older: ids[position + 1] };
}

export const refreshSteps = () => { if (open !== null) steps(); };

function steps() {
  const { newer, older } = neighbours();
  find("details-newer").disabled = newer === undefined;
  find("details-older").disabled = older === undefined && !(newer !== undefined && hasMore());
}

async function step(direction) {
  if (direction > 0 && neighbours().older === undefined && hasMore()) await loadMore();
  const { newer, older } = neighbours();
  const next = direction > 0 ? older : newer;
  if (next !== undefined) location.replace(resultAddress(next));
}

function onKey(event) {
  if (event.target.closest("input, select, textarea") || event.altKey || event.ctrlKey || event.metaKey) return;
  const direction = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!direction) return;
  event.preventDefault();
  step(direction);
}

function outside(event) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}
