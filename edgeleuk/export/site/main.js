// The page: files in, cards out. The network is loaded once; after that nothing is fetched.

import { inputSize } from "./pixels.js";
import { Network } from "./network.js";

const MOST_CARDS = 50;
const by = id => document.getElementById(id);
const percent = share => `${(100 * share).toFixed(1)} %`;
let network, queue = Promise.resolve();

function pair(list, name, text) {
  const term = document.createElement("dt"), detail = document.createElement("dd");
  term.textContent = name;
  detail.textContent = text;
  list.append(term, detail);
}

function problem(text) {
  const shown = by("problem");
  shown.textContent = [shown.textContent, text].filter(Boolean).join("\n");
  shown.hidden = false;
}

function probabilityRow(list, name, share) {
  const term = document.createElement("dt"), bar = document.createElement("dd"), number = document.createElement("dd");
  const meter = document.createElement("meter");
  meter.value = share;
  meter.setAttribute("aria-label", `probability of ${name}`);
  term.textContent = name;
  number.textContent = percent(share);
  number.className = "percent";
  bar.append(meter);
  list.append(term, bar, number);
}

function card(file, answer, took) {
  const made = by("answer").content.cloneNode(true), item = made.querySelector("li"), picture = made.querySelector("img");
  const url = URL.createObjectURL(file);
  picture.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  picture.src = url;
  picture.alt = `the picture ${file.name}`;
  const label = made.querySelector(".label");
  label.textContent = answer.label;
  if (answer.set.length > 1) {
    label.textContent = `uncertain: ${answer.set.join(" or ")}`;
    label.classList.add("unsure");
  }
  made.querySelector(".name").textContent = file.name;
  answer.names.forEach((name, place) => probabilityRow(made.querySelector("dl"), name, answer.probabilities[place]));
  made.querySelector(".how").textContent = `${took.toFixed(0)} ms in this browser`;
  item.dataset.label = answer.label;
  by("answers").prepend(made);
  while (by("answers").children.length > MOST_CARDS) by("answers").lastElementChild.remove();
}

async function classify(file) {
  const started = performance.now();
  try {
    const answer = await network.answerTo(await network.pixelsOf(file));
    card(file, answer, performance.now() - started);
  } catch (error) {
    problem(`${file.name}: ${error.message}`);
  }
}

function take(files) {
  by("problem").hidden = true;
  by("problem").textContent = "";
  for (const file of files) queue = queue.then(() => classify(file));
}

function listen() {
  const drop = by("drop"), input = by("files");
  input.disabled = false;
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    addEventListener(name, event => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") take([...event.dataTransfer.files]);
    });
  }
}

function about({ spec, facts }) {
  const list = by("about"), [width, height] = inputSize(spec.preprocessing);
  by("model").textContent = facts.name;
  pair(list, "classes", facts.names.join(", "));
  pair(list, "image", facts.image);
  pair(list, "input", `${width} x ${height} px, ${facts.input.dtype}`);
  pair(list, "engine", facts.engine);
  pair(list, "model", `SHA-256 ${facts.sha256}`);
}

/** For a time without network; without a service worker the page has to stay open. */
async function keep() {
  try {
    await navigator.serviceWorker.register("offline.js");
    await navigator.serviceWorker.ready;
    by("state").textContent = "ready, offline too";
    by("state").dataset.kept = "yes";
  } catch {
    by("state").dataset.kept = "no";
  }
}

try {
  network = await Network.load();
  about(network);
  listen();
  by("state").textContent = "ready";
  globalThis.edgeleuk = network; // what the check of the export asks
  by("state").dataset.done = "yes";
  keep();
} catch (error) {
  by("state").textContent = "not ready";
  by("state").dataset.done = "no";
  problem(`The model could not be loaded: ${error.message}. Serve this folder over http, such as with "python3 -m http.server".`);
}
