// What was stored: filters that stand in the address, pages, CSV, and corrections of all that the table shows.

import { address, place } from "./address.js";
import { ask } from "./api.js";
import { knownSubjects, redraw, row } from "./cards.js";
import { displayName, modelTitle } from "./classes.js";
import { counted, find, make, show, time, zone } from "./dom.js";

const PAGE = 50;
const MOST = 200; // rows that the server gives at once
const SOME = 12;
let shown = {}; // the filters of the table
let total = 0;
let oldest = null;
let news = 0;

export let loadMore = null;
export const hasMore = () => !find("view-history").hidden && !find("more").hidden;

export function startHistory(report) {
  const form = find("filters");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = address("history", fields());
    if (location.hash === wanted) showHistory(shown).catch(report);
    else location.hash = wanted;
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    fill({});
    if (location.hash === "#history") showHistory({}).catch(report);
    else location.hash = "#history";
  });
  form.addEventListener("input", hint);
  loadMore = () => loadPage(oldest).catch(report);
  find("more").addEventListener("click", loadMore);
  find("history-new").addEventListener("click", () => showHistory(shown).catch(report));
  startAll(report);
}

export function useLabels(classes) {
  const every = make("option", { value: "" }, "every class");
  offerOptions(find("filter-label"), [every, ...classes.map((name) => make("option", { value: name }, displayName(name)))]);
}

export async function showHistory(filters) {
  const moved = !same(filters, shown);
  shown = filters;
  if (moved) { // what is being typed stays while the same table is read again
    find("all").open = false;
    fill(filters);
  }
  const [, { models }] = await Promise.all([loadSubjects(), ask("/api/models")]);
  useModels(models);
  await loadPage(null);
}

// Tells the table that the store goes on; it is not moved under whoever reads it.
export function historyNews(count = 1) {
  news += count;
  show(find("history-new"), news ? `${counted(news, "change")} since: show` : "");
}

// What changed while no stream told of it: rows become what they are now, in their place.
export async function refreshHistory() {
  const filters = shown;
  const page = await ask("/api/results", { query: { ...asked(filters), limit: MOST } });
  if (filters !== shown) return;
  page.results.forEach(redraw);
  if (page.total !== total) historyNews(Math.abs(page.total - total));
}

function useModels(models) {
  const options = models.map((model) => make("option", { value: model.sha256 }, modelTitle(model.name, model.sha256)));
  offerOptions(find("filter-model"), [make("option", { value: "" }, "every model"), make("option", { value: "served" }, "the one that serves"), ...options]);
}

function offerOptions(select, options) {
  const { value } = select;
  select.replaceChildren(...options);
  choose(select, value);
}

// A value that a menu does not have, of a class or a model of old, is added to it: the address holds.
function choose(select, value) {
  if (![...select.options].some((option) => option.value === value)) select.append(make("option", { value }, value));
  select.value = value;
}

const named = () => [...find("filters").elements].filter((field) => field.name);

function fields() {
  return Object.fromEntries(named().map((field) => [field.name, field.type === "checkbox" ? (field.checked ? "1" : "") : field.value.trim()]));
}

function fill(filters) {
  for (const field of named()) {
    const value = filters[field.name] ?? "";
    if (field.type === "checkbox") field.checked = value === "1";
    else if (field.options) choose(field, value);
    else field.value = value;
  }
  hint();
}

const same = (one, other) => address("", one) === address("", other);

function hint() {
  const { since, until } = fields();
  const wrong = since && until && since > until;
  find("filter-until").setCustomValidity(wrong ? "The last day is before the first day." : "");
  find("filter-hint").className = wrong ? "notice bad" : "quiet";
  show(find("filter-hint"), wrong ? "The last day is before the first day." : same(fields(), known(shown)) ? "" : "Press Show for these filters.");
}

const known = (filters) => Object.fromEntries(named().map(({ name }) => [name, filters[name] ?? ""]));

const asked = (filters) => ({ ...filters, tz: filters.since || filters.until ? zone() : "" });

async function loadPage(before) {
  const filters = shown;
  const page = await ask("/api/results", { query: { ...asked(filters), limit: PAGE, before_id: before } }).catch((error) => {
    if (before === null && filters === shown) clear(); // the table is never one of other filters
    throw error;
  });
  if (filters !== shown) return; // another table was asked for meanwhile
  const rows = page.results.map(row);
  if (before === null) find("history").replaceChildren(...rows);
  else find("history").append(...rows);
  oldest = page.next_before_id;
  total = page.total;
  find("more").hidden = oldest === null;
  if (before === null) asOf();
  find("history-count").textContent = counted(total, "result");
  offerCsv(filters);
  offerAll(filters);
  find("rows").hidden = total === 0;
  await tellEmpty(page.hint);
}

function clear() {
  for (const id of ["more", "rows", "csv", "all", "history-empty"]) find(id).hidden = true;
  find("history").replaceChildren();
  find("history-count").textContent = "";
  find("history-as-of").textContent = "";
}

function asOf() {
  news = 0;
  historyNews(0);
  find("history-as-of").replaceChildren("as of ", time(new Date().toISOString()));
}

// The file holds what the table shows, whatever stands in the fields by now.
function offerCsv(filters) {
  find("csv").hidden = false;
  const given = Object.entries({ ...asked(filters), bom: "1" }).filter(([, value]) => value !== "");
  find("csv").href = `/api/results.csv?${new URLSearchParams(given)}`;
  find("csv").textContent = `Download CSV (${counted(total, "result")})`;
}

async function tellEmpty(hint) {
  find("history-empty").hidden = total > 0;
  if (total > 0) return;
  const given = named().filter(({ name }) => shown[name]).map((field) => `${field.labels[0].textContent.trim()} “${field.selectedOptions?.[0].textContent ?? shown[field.name]}”`);
  const subjects = shown.subject ? [...find("known-subjects").children].map((option) => option.value) : [];
  const links = subjects.slice(0, SOME).map((name) => make("a", { href: address("history", { ...shown, subject: name }) }, name));
  find("history-empty").replaceChildren(
    make("p", {}, given.length ? `No result has ${given.join(" and ")}.` : "Nothing is stored yet."), ...(hint ? [make("p", {}, hint)] : []),
    ...(links.length ? [make("p", { class: "links" }, "Subjects that are there: ", ...links, subjects.length > SOME ? `and ${subjects.length - SOME} more` : "")] : []),
  );
}

export async function loadSubjects(model = "all") {
  const answer = await ask("/api/subjects", { query: { model } });
  if (model === "all") knownSubjects([...new Set(answer.subjects.map((entry) => entry.subject).filter((name) => name !== null))]);
  return answer;
}

// Correcting or deleting all that the table shows, where it is filtered. The server does it to so many only as were
// shown here.
function offerAll(filters) {
  find("all").hidden = total === 0 || Object.values(filters).every((value) => !value);
  find("all-title").textContent = `Correct or delete all ${counted(total, "result")} of this table`;
  find("all-sure").hidden = true;
}

function startAll(report) {
  const change = async (options) => {
    await ask("/api/results", { ...options, query: { ...asked(shown), expected: total, ...options.query } });
    find("all").open = false;
    await showHistory(shown);
  };
  find("all-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const subject = find("all-subject").value.trim() || null;
    change({ method: "PATCH", json: { subject, ...signed() } }).catch(report);
  });
  find("all-delete").addEventListener("click", () => {
    find("all-sure").hidden = false;
    find("all-question").textContent = `Delete ${counted(total, "result")} for good?`;
    find("all-no").focus();
  });
  find("all-no").addEventListener("click", () => { find("all-sure").hidden = true; });
  find("all-yes").addEventListener("click", () => change({ method: "DELETE", query: signed() }).catch(report));
}

const signed = () => (find("all-by").value.trim() ? { by: find("all-by").value.trim() } : {});
