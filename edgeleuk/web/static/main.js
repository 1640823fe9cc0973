// The page: which view is shown, what happens when a token is needed, and what the server tells by itself.

import { place } from "./address.js";
import { access, ask, reach } from "./api.js";
import { redraw, removeShown, RESEARCH_USE } from "./cards.js";
import { showChanges, startChanges } from "./changes.js";
import { served, useModel } from "./classes.js";
import * as details from "./details.js";
import { hideDevice, showDevice } from "./device.js";
import { find, show, zoneText } from "./dom.js";
import { showFailures, startFailures } from "./failures.js";
import { historyNews, loadSubjects, refreshHistory, showHistory, startHistory, useLabels } from "./history.js";
import { insertLive, refreshFailures, refreshLive } from "./live.js";
import { onTabs, startStream, stopStream, tellTabs } from "./stream.js";
import { showSubjects, startSubjects, subjectsNews } from "./subjects.js";
import { resumeUploads, startUploads } from "./upload.js";

const VIEWS = {
  classify: () => loadSubjects(),
  live: async () => {},
  subjects: showSubjects,
  history: showHistory,
  failures: showFailures,
  changes: showChanges,
  device: () => showDevice(report),
};
const PROBLEM_MS = 30_000; // what lasts is told again
const HEALTH_EVERY_MS = 10_000;
const UNDER = { failures: "live", changes: "history" }; // views without a tab of their own
let locked = false;
let last = null; // what is shown: view and filters
let version = null; // of the server that this page came from
let forgetting = null;

// 401: the login view says it; while the server is away #unreachable does.
function report(error) {
  if (error.status === 401 || (error.status === 0 && reach.lost)) return;
  show(find("problem"), error.message);
  clearTimeout(forgetting);
  forgetting = setTimeout(() => show(find("problem"), ""), PROBLEM_MS);
}

function current() {
  const { view, filters, result } = place();
  return view in VIEWS ? { view, filters, result } : { view: "classify", filters: {}, result: null };
}

// Shows what the address says; `again` reads it even if it is shown already.
async function route(again = false) {
  const { view, filters, result } = locked ? { view: "login", filters: {}, result: null } : current();
  const wanted = JSON.stringify([view, filters]);
  const moved = wanted !== last;
  last = wanted;
  if (moved) reveal(view);
  if (moved || again) show(find("problem"), "");
  const opened = locked ? null : details.route(result);
  if (!locked && (moved || again)) {
    hideDevice();
    await VIEWS[view](filters).catch(report);
    if (result !== null) details.refreshSteps();
  }
  await opened;
}

function reveal(name) {
  find("loading").hidden = true;
  for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== `view-${name}`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${UNDER[name] ?? name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.querySelector("nav").hidden = locked;
  find("connection").hidden = locked;
  document.title = locked ? "edgeleuk" : `${name[0].toUpperCase()}${name.slice(1)} – edgeleuk`;
}

async function loadModel() {
  const model = await ask("/api/model");
  useModel(model);
  find("model-name").textContent = model.name;
  find("model-name").title = model.sha256;
  useLabels(model.spec.classes);
}

async function enter() {
  await loadModel();
  locked = false;
  ask("/api/device").then((device) => {
    compareVersion(device.version);
    find("version").textContent = device.version;
    find("logout").hidden = !device.needs_token;
  }).catch(report);
  startStream(stream);
  resumeUploads();
  await route(true);
}

function compareVersion(told) {
  version ??= told;
  if (told !== version) find("upgraded").hidden = false;
}

// Another model or another server may answer from now on.
async function onModel(told) {
  compareVersion(told.version);
  if (told.sha256 === served.sha256) return;
  await loadModel();
  if (["device", "subjects", "history"].includes(current().view)) await route(true);
}

const EVENTS = {
  model: onModel,
  reset: () => Promise.all([refreshLive(), refreshFailures(), route(true)]),
  result: async (result) => {
    insertLive(result);
    historyNews();
    subjectsNews();
  },
  changed: async (result) => {
    redraw(result);
    details.changedElsewhere(result);
    subjectsNews();
  },
  removed: async ({ ids }) => {
    removeShown(ids);
    details.removedElsewhere(ids);
    historyNews(ids.length);
    subjectsNews(ids.length);
  },
  failure: refreshFailures,
};

const stream = {
  open: () => Promise.all([refreshLive(), refreshFailures(), refreshView()]).catch(report),
  event: (name, data) => EVENTS[name](data).catch(report),
  refused: () => loadModel().catch(report), // a session that has ended shows here
  state: (name) => {
    connection(name);
    if (name === "off") reach.check();
  },
};

// What was read before the stream was there may have changed since.
async function refreshView() {
  const { view, filters } = current();
  if (view === "history") await refreshHistory();
  if (view === "subjects") await showSubjects(filters);
}

function connection(name) {
  const element = find("connection");
  element.className = `connection ${name}`;
  element.textContent = name === "on" ? "live" : reach.lost ? "unreachable" : "connecting";
}

reach.addEventListener("lost", () => {
  find("unreachable").hidden = false;
  show(find("problem"), "");
  connection("off");
});
reach.addEventListener("health", () => {
  show(find("unhealthy"), reach.trouble ? `The server is not well: ${reach.trouble}. Whoever runs it must restart it.` : "");
});
setInterval(() => { if (!document.hidden && !reach.lost && !locked) reach.check(); }, HEALTH_EVERY_MS);
reach.addEventListener("back", () => {
  find("unreachable").hidden = true;
  if (served.sha256 === null) enter().catch(report);
  else loadModel().then(() => route(true)).catch(report);
});

access.onNeeded = () => {
  if (locked) return;
  locked = true;
  stopStream();
  find("logout").hidden = true;
  find("known-subjects").replaceChildren();
  details.route(null);
  route();
  find("token").focus();
};
onTabs.session = () => { if (locked) enter().catch(report); };

find("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = find("login-problem");
  show(problem, "");
  try {
    await ask("/api/login", { method: "POST", json: { token: find("token").value.trim() } });
    find("token").value = "";
    await enter();
    tellTabs("session");
  } catch (error) {
    show(problem, error.message);
    find("token").focus();
    if (error.retryAfterSeconds) wait(error.retryAfterSeconds);
  }
});

// Nothing but a wait helps after too many wrong tokens; the page says how long.
function wait(seconds) {
  const send = find("login-form").querySelector("[type=submit]");
  send.disabled = seconds > 0;
  send.textContent = seconds > 0 ? `Log in (in ${seconds} s)` : "Log in";
  if (seconds > 0) setTimeout(() => wait(seconds - 1), 1000);
}

find("logout").addEventListener("click", async () => {
  await ask("/api/logout", { method: "POST" }).catch(() => {});
  location.reload(); // nothing of the session stays in the page
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // its address would be another view
  find("main").focus();
});
find("reload").addEventListener("click", () => location.reload());

addEventListener("hashchange", () => {
  const before = last;
  route();
  if (before === last) return; // a result was opened or closed over the same view
  find("main").focus({ preventScroll: true });
  scrollTo(0, 0);
});

document.querySelectorAll(".research").forEach((element) => { element.textContent = RESEARCH_USE; });
document.querySelectorAll(".zone").forEach((element) => { element.textContent = zoneText(); });
startUploads();
startHistory(report);
startSubjects(report);
startFailures(report);
startChanges(report);
details.startDetails();
enter().catch(report);
