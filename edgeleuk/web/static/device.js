// How the device is, and which model it runs.

import { ask } from "./api.js";
import { facts } from "./cards.js";
import { displayName } from "./classes.js";
import { counted, find, make } from "./dom.js";

const EVERY_MS = 4000;
const DRIFT_EVERY_MS = 60_000;
const HOT_C = 75;
let timer = null;
let driftTimer = null;

export function hideDevice() {
  clearInterval(timer);
  clearInterval(driftTimer);
}

export async function showDevice(report) {
  hideDevice();
  timer = setInterval(() => { if (!document.hidden) refresh().catch(report); }, EVERY_MS);
  driftTimer = setInterval(() => { if (!document.hidden) loadDrift().catch(report); }, DRIFT_EVERY_MS);
  loadDrift().catch(report); // may read the whole store: the rest does not wait for it
  await Promise.all([refresh(), loadModel()]);
}

export async function loadModel() {
  const model = await ask("/api/model");
  const { spec } = model;
  const taken = spec.preprocessing;
  const decided = spec.decision.threshold === null ? "the most probable class"
    : `${displayName(spec.positive_class)} from a probability of ${spec.decision.threshold}`;
  find("model").replaceChildren(...facts([
    ["File", model.name], ["SHA-256", model.sha256], ["Size", `${(model.size_bytes / 1e6).toFixed(1)} MB`],
    ["Classes", spec.classes.map(called).join(", ")], ["Label", decided],
    ["Input", `the centre ${taken.crop_px} px of an image, resized to ${taken.input_size_px} px`],
    ["Precision", model.proof?.precision], ["Interpreter", `${model.backend}, ${model.threads} ${model.threads === 1 ? "thread" : "threads"}`],
    ["Cascade", cascade(model.cascade)], ["Made", spec.provenance.created], ["Use", model.research_use],
  ]));
  find("model-spec").textContent = JSON.stringify(spec, null, 2);
  find("model-proof").textContent = model.proof ? JSON.stringify(model.proof, null, 2) : "This file has none.";
  return model;
}

async function loadDrift() {
  const { state, sentences } = await ask("/api/drift");
  const told = state === "unknown" ? sentences.map((text) => `Not known: ${text}`) : sentences;
  const first = state === "drift" ? "bad" : null;
  find("drift").replaceChildren(...told.map((text, n) => make("li", { class: n === 0 ? first : null }, sentence(text))));
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

async function refresh() {
  const { health, queue, listeners, uptime_s: uptime, version, failures, damaged, time_zone: zone } = await ask("/api/device");
  const now = health.throttling?.now ?? [];
  const since = health.throttling?.since_boot ?? [];
  find("version").textContent = version;
  find("health").replaceChildren(
    tile("Temperature", known(health.temperature_c, (value) => `${value.toFixed(1)} °C`), "", health.temperature_c >= HOT_C),
    tile("Throttling", throttling(health.throttling, now), since.length ? `since boot: ${since.join(", ")}` : "", now.length > 0),
    tile("Memory free", known(health.memory_available_mib, mebibytes), known(health.memory_total_mib, (value) => `of ${mebibytes(value)}`, "")),
    tile("This server", known(health.process_memory_mib, mebibytes), "of memory"),
    tile("Load", known(health.load_average, (values) => values[0].toFixed(2)), "last minute"),
    tile("Clock", known(health.clock_mhz, (value) => `${Math.round(value)} MHz`), health.governor ?? ""),
    tile("Queue", `${queue.waiting} of ${queue.bound}`, queue.reading ? `${queue.reading} coming in` : "images waiting", queue.waiting >= queue.bound),
    tile("Browsers", String(listeners), "follow the live list"),
    tile("Running for", duration(uptime), zone ? `its clock: ${zone}` : ""),
    tile("Not classified", make("a", { href: "#failures" }, counted(failures ?? 0, "image")), "see why"),
    ...(damaged ? [tile("Damaged rows", String(damaged), "passed over in the store", true)] : []),
  );
}

function tile(name, value, note = "", bad = false) {
  return make("div", { class: bad ? "bad" : null }, make("dt", {}, name), make("dd", {}, value, note ? make("small", {}, note) : null));
}

const called = (name) => (displayName(name) === name ? name : `${displayName(name)} (${name})`);
const known = (value, write, otherwise = "unknown") => (value === null ? otherwise : write(value));
const mebibytes = (value) => (value >= 1024 ? `${(value / 1024).toFixed(1)} GiB` : `${Math.round(value)} MiB`);

function cascade(rule) {
  if (rule === null) return null;
  const share = Math.round((100 * rule.answered_first) / rule.images);
  return `its first model answers from a probability of ${rule.threshold.toFixed(4)} (${share} % of ${rule.images} validation images), else the large one`;
}

function throttling(found, now) {
  if (found === null) return "unknown";
  return now.length ? now.join(", ") : "none";
}

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} days`;
}
