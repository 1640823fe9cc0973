// What was stored: filters, pages, CSV; and the summary of each subject.

import { ask } from "./api.js";
import { RESEARCH_USE, row, tone } from "./cards.js";
import { find, make, percent, time } from "./dom.js";

const PAGE = 50;
let oldest = null;

export function startHistory(report) {
  const form = find("filters");
  const load = (before) => loadPage(before).catch(report);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    load(null);
  });
  form.addEventListener("reset", () => setTimeout(() => load(null)));
  form.addEventListener("change", () => { find("csv").href = csvAddress(); });
  find("more").addEventListener("click", () => load(oldest));
}

export function useLabels(classes) {
  const any = make("option", { value: "" }, "any");
  find("filter-label").replaceChildren(any, ...classes.map((name) => make("option", { value: name }, name)));
}

export async function showHistory() {
  await Promise.all([loadPage(null), loadSubjects()]);
}

export async function showSubjects() {
  const subjects = await loadSubjects();
  find("subjects").replaceChildren(...subjects.map(summary));
  find("subjects-empty").hidden = subjects.length > 0;
}

async function loadPage(before) {
  const page = await ask("/api/results", { query: { ...filters(), limit: PAGE, before_id: before } });
  const rows = page.results.map(row);
  if (before === null) find("history").replaceChildren(...rows);
  else find("history").append(...rows);
  oldest = page.next_before_id;
  find("more").hidden = oldest === null;
  find("history-count").textContent = page.total === 1 ? "1 result" : `${page.total.toLocaleString()} results`;
  find("csv").href = csvAddress();
}

// Days are those of whoever looks at the page; the server counts in UTC.
function filters() {
  const given = Object.fromEntries(new FormData(find("filters")));
  const since = given.since ? new Date(`${given.since}T00:00`) : null;
  const until = given.until ? new Date(`${given.until}T00:00`) : null;
  until?.setDate(until.getDate() + 1);
  return { ...given, subject: given.subject.trim(), since: since?.toISOString() ?? "", until: until?.toISOString() ?? "" };
}

function csvAddress() {
  const given = Object.entries(filters()).filter(([, value]) => value !== "");
  return given.length ? `/api/results.csv?${new URLSearchParams(given)}` : "/api/results.csv";
}

export async function loadSubjects() {
  const { subjects } = await ask("/api/subjects");
  const names = subjects.map((entry) => entry.subject).filter((name) => name !== null);
  find("known-subjects").replaceChildren(...names.map((name) => make("option", { value: name })));
  return subjects;
}

function summary(entry) {
  const lines = Object.entries(entry.labels).sort((one, other) => other[1] - one[1]).map(([label, count]) => {
    const fill = make("div", { class: "fill" });
    fill.style.width = `${(100 * count) / entry.total}%`;
    return make("div", { class: `chance ${tone(label)}` }, make("span", {}, label),
      make("div", { class: "track", "aria-hidden": "true" }, fill), make("span", { class: "value" }, `${count} (${percent(count / entry.total)})`));
  });
  const look = make("button", { type: "button", class: "plain", onclick: () => lookUp(entry.subject) }, "Show its images");
  return make("li", { class: "card subject" },
    make("div", { class: "answer" }, make("span", { class: "label" }, entry.subject ?? "without a subject"),
      make("span", { class: "percent" }, entry.total === 1 ? "1 image" : `${entry.total} images`)),
    make("div", { class: "chances" }, ...lines),
    make("div", { class: "foot" }, "from ", time(entry.first), " to ", time(entry.last), make("span", { class: "research" }, RESEARCH_USE)),
    entry.subject === null ? null : look);
}

function lookUp(subject) {
  find("filters").reset();
  find("filter-subject").value = subject;
  location.hash = "#history";
}
