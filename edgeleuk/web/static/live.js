// The live list: rows of the store as they come, whoever wrote them.

import { ask } from "./api.js";
import { fillCard, RESEARCH_USE } from "./cards.js";
import { fileName, find, make, percent } from "./dom.js";

const MOST = 60;
const RETRY_MS = 5000;
const shown = new Map();
let source = null;
let retry = null;

export function startLive() {
  stopLive();
  source = new EventSource("/api/events");
  source.addEventListener("open", () => {
    state("on", "live");
    refresh();
  });
  source.addEventListener("reset", refresh);
  source.addEventListener("result", (event) => {
    const result = JSON.parse(event.data);
    insert(result, true);
    find("live-news").textContent = `${result.label} ${percent(result.probability)}, ${fileName(result.path)}. ${RESEARCH_USE}`;
  });
  source.addEventListener("error", () => {
    state("off", "reconnecting");
    if (source.readyState === EventSource.CLOSED) retry = setTimeout(startLive, RETRY_MS); // refused: the browser gives up, we do not
  });
}

export function stopLive() {
  clearTimeout(retry);
  source?.close();
  source = null;
  state("off", "not connected");
}

async function refresh() {
  const { results } = await ask("/api/results", { query: { limit: MOST } });
  results.reverse().forEach((result) => insert(result, false));
  find("live-empty").hidden = shown.size > 0;
}

function insert(result, fresh) {
  if (shown.has(result.id)) return;
  const list = find("live");
  const card = fillCard(make("li", {}), result);
  if (fresh) card.classList.add("fresh");
  const older = [...shown.keys()].filter((id) => id < result.id);
  list.insertBefore(card, older.length ? shown.get(Math.max(...older)) : null);
  shown.set(result.id, card);
  while (shown.size > MOST) {
    const oldest = Math.min(...shown.keys());
    shown.get(oldest).remove();
    shown.delete(oldest);
  }
  find("live-empty").hidden = true;
}

function state(name, text) {
  const element = find("connection");
  element.className = `connection ${name}`;
  element.textContent = text;
}
