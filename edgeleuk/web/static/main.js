// The page: which view is shown, and what happens when a token is needed.

import { access, ask } from "./api.js";
import { RESEARCH_USE, useClasses } from "./cards.js";
import { hideDevice, showDevice } from "./device.js";
import { find, show } from "./dom.js";
import { loadSubjects, showHistory, showSubjects, startHistory, useLabels } from "./history.js";
import { startLive, stopLive } from "./live.js";
import { resumeUploads, startUploads } from "./upload.js";

const VIEWS = {
  classify: () => loadSubjects(),
  live: async () => {},
  subjects: showSubjects,
  history: showHistory,
  device: () => showDevice(report),
};
let locked = false;

function report(error) {
  if (error.status === 401) return; // the login view says it
  show(find("problem"), error.message);
}

function currentView() {
  const name = location.hash.slice(1);
  return name in VIEWS ? name : "classify";
}

async function route() {
  const name = locked ? "login" : currentView();
  hideDevice();
  show(find("problem"), "");
  for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== `view-${name}`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.querySelector("nav").hidden = locked;
  find("connection").hidden = locked;
  document.title = locked ? "edgeleuk" : `${name[0].toUpperCase()}${name.slice(1)} – edgeleuk`;
  if (!locked) await VIEWS[name]().catch(report);
}

async function enter() {
  const model = await ask("/api/model");
  locked = false;
  find("model-name").textContent = model.name;
  find("model-name").title = model.sha256;
  useClasses(model.spec.classes, model.spec.positive_class);
  useLabels(model.spec.classes);
  ask("/api/device").then((device) => {
    find("version").textContent = device.version;
    find("logout").hidden = !device.needs_token;
  }).catch(report);
  startLive();
  resumeUploads();
  await route();
}

access.onNeeded = () => {
  if (locked) return;
  locked = true;
  stopLive();
  find("logout").hidden = true;
  find("details").close();
  find("known-subjects").replaceChildren();
  route();
  find("token").focus();
};

find("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = find("login-problem");
  show(problem, "");
  try {
    const body = JSON.stringify({ token: find("token").value.trim() });
    await ask("/api/login", { method: "POST", body, headers: { "Content-Type": "application/json" } });
    find("token").value = "";
    await enter();
  } catch (error) {
    show(problem, error.message);
    find("token").focus();
  }
});

find("logout").addEventListener("click", async () => {
  await ask("/api/logout", { method: "POST" }).catch(() => {});
  location.reload(); // nothing of the session stays in the page
});

addEventListener("hashchange", () => {
  route();
  find("main").focus({ preventScroll: true });
  scrollTo(0, 0);
});

document.querySelectorAll(".research").forEach((element) => { element.textContent = RESEARCH_USE; });
startUploads();
startHistory(report);
enter().catch(report);
