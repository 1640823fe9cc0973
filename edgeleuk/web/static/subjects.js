// The sums of each subject, of one model at a time: what two models say of one cell is no second cell.

import { address } from "./address.js";
import { bar } from "./cards.js";
import { displayName, modelName, modelTitle } from "./classes.js";
import { counted, find, make, percent, show, time } from "./dom.js";
import { loadSubjects } from "./history.js";

let model = "served";
let news = 0;

export function startSubjects(report) {
  find("subjects-model").addEventListener("change", (event) => { location.hash = address("subjects", event.target.value === "served" ? {} : { model: event.target.value }); });
  find("subjects-new").addEventListener("click", () => showSubjects({ model }).catch(report));
}

export async function showSubjects(filters) {
  model = filters.model || "served";
  const [answer] = await Promise.all([loadSubjects(model), model === "all" ? null : loadSubjects()]);
  const shown = answer.subjects;
  useModels(answer.models);
  find("subjects").replaceChildren(...shown.map((entry) => summary(entry)));
  find("subjects-empty").hidden = shown.length > 0;
  find("subjects-empty").textContent = model === "served" && answer.models.some(({ results }) => results > 0)
    ? "No results of the model that serves. Those of other models are in the menu." : "No results yet.";
  find("subjects-as-of").replaceChildren("as of ", time(new Date().toISOString()));
  news = 0;
  subjectsNews(0);
}

export function subjectsNews(count = 1) {
  news += count;
  show(find("subjects-new"), news ? `${counted(news, "change")} since: show` : "");
}

function useModels(models) {
  const options = models.map((one) => make("option", { value: one.sha256 }, `${modelTitle(one.name, one.sha256)}, ${counted(one.results, "result")}`));
  find("subjects-model").replaceChildren(make("option", { value: "served" }, "the model that serves"), ...options, make("option", { value: "all" }, "every model, one sum each"));
  find("subjects-model").value = model;
}

function summary(entry) {
  const sorted = Object.entries(entry.labels).sort((one, other) => other[1] - one[1]);
  const lines = sorted.map(([label, count]) => bar(label, count / entry.total, `${count} (${percent(count / entry.total)})`));
  const whose = entry.subject === null ? { subject_none: "1" } : { subject: entry.subject };
  return make("li", { class: "card subject" },
    make("div", { class: "answer" }, make("span", { class: "label" }, entry.subject ?? "without a subject"), make("span", { class: "percent" }, counted(entry.total, "image"))),
    make("div", { class: "chances" }, ...lines),
    ...apart(entry),
    ...shares(entry),
    make("div", { class: "foot" }, ...(entry.corrected ? [make("span", {}, `${entry.corrected} by hand`)] : []),
      make("span", {}, "from ", time(entry.first), " to ", time(entry.last)), make("span", {}, modelName(entry))),
    make("a", { class: "plain button", href: address("history", { ...whose, model: entry.model_sha256 }) }, "Show its images"),
  );
}

// Cells that count in no sum, and why.
function apart({ abstained, refused, failed }) {
  const said = [[abstained, "uncertain"], [refused, "refused"], [failed, "failed"]].filter(([count]) => count);
  return said.length ? [make("div", { class: "warning" }, `kept apart: ${said.map(([count, word]) => `${count} ${word}`).join(", ")}`)] : [];
}

// The share of a class with its interval, and all that limits it.
function shares(entry) {
  const lines = entry.shares.map(({ class: label, share, low, high }) => `share of ${displayName(label)}: ${fixed(share)} (${fixed(low)} to ${fixed(high)})`);
  const limits = entry.no_share_because ? [entry.no_share_because] : [...new Set(entry.shares.flatMap(({ says }) => says)), entry.errors];
  return [...lines.map((line) => make("div", { class: "share" }, line)), ...limits.map((limit) => make("div", { class: "quiet" }, limit))];
}

const fixed = (share) => share.toFixed(2);
