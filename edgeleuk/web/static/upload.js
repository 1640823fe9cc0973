// Handing images in: a few at a time, and patiently where the server is busy.

import { ask, ApiError } from "./api.js";
import { fillCard } from "./cards.js";
import { find, make, sleep } from "./dom.js";

const AT_ONCE = 3;
const MOST_CARDS = 400;
const NETWORK_TRIES = 4;
const BUSY = new Set([429, 503]);

const waiting = [];
let active = 0;
let pausedUntil = 0;
const counts = { added: 0, done: 0, failed: 0, stopped: 0 };

export function startUploads() {
  const chooser = find("files");
  const drop = find("drop");
  chooser.addEventListener("change", () => {
    add([...chooser.files]);
    chooser.value = "";
  });
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
    add(await droppedFiles(event.dataTransfer));
  });
  find("upload-stop").addEventListener("click", stop);
  find("upload-clear").addEventListener("click", clear);
}

// Called after a login: what was refused for want of a token is still waiting.
export function resumeUploads() {
  pausedUntil = 0;
  work();
}

function add(files) {
  const subject = find("subject").value.trim();
  const items = files.map((file) => ({ file, subject, tries: 0, card: make("li", { class: "card" }) }));
  counts.added += items.length;
  items.forEach((item) => say(item, "waiting"));
  find("uploads").prepend(...items.map((item) => item.card));
  trim();
  waiting.push(...items);
  work();
}

function work() {
  while (active < AT_ONCE && waiting.length > 0) send(waiting.shift());
  summarize();
}

async function send(item) {
  active += 1;
  try {
    while (Date.now() < pausedUntil) await sleep((pausedUntil - Date.now()) / 1000);
    if (item.stopped) return;
    say(item, "sending");
    const query = { name: item.file.name.slice(0, 255), subject: item.subject };
    const result = await ask("/api/images", { method: "POST", body: item.file, query });
    counts.done += 1;
    const elsewhere = item.subject && result.subject !== item.subject ? `stored before, under ${result.subject ? `subject ${result.subject}` : "no subject"}` : "known already";
    fillCard(item.card, result, result.known ? [elsewhere] : []);
  } catch (error) {
    await handle(item, error);
  } finally {
    active -= 1;
    work();
  }
}

async function handle(item, error) {
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 401) {
    waiting.unshift(item);
    pausedUntil = Number.MAX_SAFE_INTEGER;
    say(item, "waiting for the token");
  } else if (BUSY.has(error.status) || (error.status === 0 && ++item.tries < NETWORK_TRIES)) {
    const seconds = Math.min(30, error.retryAfterSeconds ?? 2) * (0.75 + Math.random() / 2);
    pausedUntil = Math.max(pausedUntil, Date.now() + 1000 * seconds);
    waiting.unshift(item);
    say(item, "the server is busy, goes on in a moment");
  } else {
    fail(item, error.message);
  }
}

function fail(item, message) {
  counts.failed += 1;
  const again = make("button", {
    type: "button",
    class: "plain",
    onclick: () => {
      counts.failed -= 1;
      item.tries = 0;
      say(item, "waiting");
      waiting.push(item);
      work();
    },
  }, "Try again");
  item.card.className = "card failed";
  item.card.replaceChildren(make("div", { class: "picture" }, "no answer"), make("div", { class: "name" }, item.file.name),
    make("div", { class: "problem" }, message), make("div", {}, again));
}

function say(item, text) {
  item.card.className = "card";
  item.card.replaceChildren(make("div", { class: "picture", "aria-hidden": "true" }, "…"), make("div", { class: "name" }, item.file.name),
    make("div", { class: "quiet" }, text));
}

function stop() {
  for (const item of waiting.splice(0)) {
    item.stopped = true;
    counts.stopped += 1;
    say(item, "stopped before it was sent");
  }
  summarize();
}

function clear() {
  find("uploads").replaceChildren();
  Object.assign(counts, { added: 0, done: 0, failed: 0, stopped: 0 });
  summarize();
}

// A thousand pictures at once are too much for a tablet: the oldest answers leave the list; the history has them.
function trim() {
  const list = find("uploads");
  const finished = [...list.children].slice(MOST_CARDS).filter((card) => card.querySelector(".answer"));
  finished.forEach((card) => card.remove());
}

function summarize() {
  const left = waiting.length + active;
  const parts = [`${counts.done} of ${counts.added} answered`];
  if (counts.failed) parts.push(`${counts.failed} failed`);
  if (counts.stopped) parts.push(`${counts.stopped} stopped`);
  find("upload-summary").textContent = counts.added ? parts.join(", ") : "";
  find("upload-stop").hidden = waiting.length === 0;
  find("upload-clear").hidden = counts.added === 0 || left > 0;
}

// The files of a drop, those in folders too.
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files];
  const files = [];
  for (const entry of entries) await collect(entry, files);
  return files;
}

async function collect(entry, files) {
  if (entry.isFile) {
    files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const child of some) await collect(child, files);
  }
}
