// Handing images in: a few at a time, and patiently where the server is busy or away.

import { ask, ApiError, reach } from "./api.js";
import { fillCard, keptApart, labelOf } from "./cards.js";
import { displayName } from "./classes.js";
import { button, counted, exactTime, fileName, find, make, sleep } from "./dom.js";
import { chosenFiles, droppedFiles, imagesOf } from "./files.js";
import { held, offer, startSubject } from "./subject.js";

const AT_ONCE = 3;
const MOST_CARDS = 400;
const NETWORK_TRIES = 4;
const PATIENCE_MS = 120_000;
const BUSY = new Set([429, 503]);

// file, subject, card, tries, and state: waiting | sending | done | failed | stopped
let items = [];
let pausedUntil = 0;

const those = (...states) => items.filter((item) => states.includes(item.state));

export function startUploads() {
  startSubject(add);
  for (const [id, choose] of [["files", chosenFiles], ["folder", imagesOf]]) {
    find(id).addEventListener("change", () => {
      take(choose([...find(id).files]));
      find(id).value = "";
    });
  }
  find("folder-choice").hidden = !("webkitdirectory" in find("folder"));
  startDrops(find("drop"));
  find("upload-stop").addEventListener("click", stop);
  find("upload-clear").addEventListener("click", clear);
  find("upload-again").addEventListener("click", () => again(those("failed", "stopped")));
  reach.addEventListener("lost", summarize);
  reach.addEventListener("back", work);
  addEventListener("beforeunload", (event) => { if (those("waiting", "sending").length + held() > 0) event.preventDefault(); });
}

// Called after a login: what was refused for want of a token is still waiting.
export function resumeUploads() {
  pausedUntil = 0;
  work();
}

function startDrops(drop) {
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    location.hash = "#classify";
    take(await droppedFiles(event.dataTransfer));
  });
}

function take({ files, passedOver }) {
  const some = passedOver.slice(0, 3).join(", ");
  const more = passedOver.length > 3 ? ` and ${passedOver.length - 3} more` : "";
  find("passed-over").hidden = passedOver.length === 0;
  find("passed-over").textContent = `Skipped, not images by their names: ${some}${more}.`;
  offer(files);
}

function add(files, subject) {
  const made = files.map((file) => ({ file, subject, tries: 0, state: "waiting", card: make("li", {}) }));
  made.forEach((item) => say(item, "waiting"));
  items.push(...made);
  find("uploads").prepend(...made.map((item) => item.card));
  trim();
  work();
}

function work() {
  while (!reach.lost && Date.now() >= pausedUntil && those("sending").length < AT_ONCE) {
    const item = items.find(({ state }) => state === "waiting");
    if (!item) break;
    send(item);
  }
  summarize();
}

async function send(item) {
  item.state = "sending";
  say(item, "sending");
  try {
    const query = { name: item.file.name.slice(0, 255), subject: item.subject };
    const result = await ask("/api/images", { method: "POST", body: item.file, query, patienceMs: PATIENCE_MS });
    Object.assign(item, { state: "done", file: null });
    fillCard(item.card, result, { name: result.name, notes: result.known ? known(result, item.subject) : [] });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    handle(item, error);
  }
  work();
}

function known(result, subject) {
  const name = fileName(result.path);
  const before = `known since ${exactTime(result.created)}${name === result.name ? "" : ` as ${name}`}`;
  return subject && result.subject !== subject ? [before, `not moved to ${subject}: correct it in its details`] : [before];
}

function handle(item, error) {
  item.state = "waiting";
  if (error.status === 401) {
    pausedUntil = Number.MAX_SAFE_INTEGER;
    say(item, "waiting for the token");
  } else if (BUSY.has(error.status)) {
    pause(Math.min(30, error.retryAfterSeconds ?? 2) * (0.75 + Math.random() / 2));
    say(item, `goes on in a moment: ${error.message}`); // busy, or its store cannot be written
  } else if (error.status === 0 && ++item.tries < NETWORK_TRIES) {
    say(item, "the server cannot be reached, goes on when it is back");
  } else {
    end(item, "failed", error.status === 0 ? `No answer came, ${NETWORK_TRIES} times.` : error.message);
  }
}

async function pause(seconds) {
  pausedUntil = Math.max(pausedUntil, Date.now() + 1000 * seconds);
  await sleep(seconds + 0.01);
  work();
}

function end(item, state, message) {
  item.state = state;
  item.card.className = `card ${state}`;
  item.card.replaceChildren(make("div", { class: "picture" }, "no answer"), make("div", { class: "name" }, item.file.name),
    make("div", { class: state === "failed" ? "problem" : "quiet" }, message), make("div", {}, button("Try again", () => again([item]))));
}

function again(some) {
  for (const item of some) {
    Object.assign(item, { state: "waiting", tries: 0 });
    say(item, "waiting");
  }
  work();
}

function say(item, text) {
  item.card.className = "card";
  item.card.replaceChildren(make("div", { class: "picture", "aria-hidden": "true" }, "…"), make("div", { class: "name" }, item.file.name),
    make("div", { class: "quiet" }, text));
}

function stop() {
  those("waiting").forEach((item) => end(item, "stopped", "stopped before it was sent"));
  summarize();
}

function clear() {
  items = [];
  find("uploads").replaceChildren();
  find("passed-over").hidden = true;
  summarize();
}

// A thousand pictures at once are too much for a tablet: the oldest answers leave the list; the history has them.
function trim() {
  const old = new Set([...find("uploads").children].slice(MOST_CARDS).filter((card) => card.result));
  for (const item of items) if (old.has(item.card)) item.card = { result: item.card.result }; // for the sums
  old.forEach((card) => card.remove());
}

function summarize() {
  const left = those("waiting", "sending").length;
  const count = (state, text) => (those(state).length ? `${those(state).length} ${text}` : null);
  const parts = [`${those("done").length} of ${items.length} answered${labels()}`, count("failed", "failed"), count("stopped", "stopped")];
  find("upload-summary").textContent = items.length ? parts.filter(Boolean).join(", ") : "";
  find("upload-waits").hidden = !(reach.lost && left > 0);
  find("upload-waits").textContent = `${counted(left, "image")} ${left === 1 ? "waits" : "wait"} and ${left === 1 ? "goes" : "go"} on when the server is back.`;
  find("upload-stop").hidden = those("waiting").length === 0;
  find("upload-again").hidden = those("failed", "stopped").length === 0;
  find("upload-clear").hidden = items.length === 0 || left > 0;
}

// "(3 ALL, 1 healthy, 1 kept apart)"
function labels() {
  const sums = new Map();
  for (const { card: { result } } of those("done")) {
    const name = keptApart(result) ? "kept apart" : displayName(labelOf(result));
    sums.set(name, (sums.get(name) ?? 0) + 1);
  }
  const parts = [...sums].sort((one, other) => other[1] - one[1]).map(([name, sum]) => `${sum} ${name}`);
  return parts.length ? ` (${parts.join(", ")})` : "";
}
