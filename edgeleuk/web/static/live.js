// The live list: rows of the store as they come, whoever wrote them; and the latest image that could not be classified.

import { address } from "./address.js";
import { ask } from "./api.js";
import { fillCard, labelOf, SOURCES, told } from "./cards.js";
import { displayName } from "./classes.js";
import { counted, fileName, find, make, percent, time } from "./dom.js";

const MOST = 60;

// The list becomes what the store has now: after a pause, a correction or another store nothing old stays.
export async function refreshLive() {
  const { results } = await ask("/api/results", { query: { limit: MOST } });
  const held = new Map(cards().map((card) => [key(card.result), card]));
  find("live").replaceChildren(...results.map((result) => held.get(key(result)) ?? fillCard(make("li", {}), result)));
  results.forEach((result) => held.get(key(result))?.redraw(result));
  find("live-empty").hidden = results.length > 0;
}

export function insertLive(result) {
  if (cards().some((card) => key(card.result) === key(result))) return;
  const card = fillCard(make("li", {}), result);
  card.classList.add("fresh");
  const older = cards().find((other) => other.result.id < result.id);
  find("live").insertBefore(card, older ?? null);
  while (find("live").children.length > MOST) find("live").lastElementChild.remove();
  find("live-empty").hidden = true;
  const apart = result.warnings?.length ? ` (${result.warnings.map(told).join(", ")})` : "";
  find("live-news").textContent = `${displayName(labelOf(result))} ${percent(result.probability)}, ${fileName(result.path)}${apart}`;
}

let failuresBefore = null; // how many there were when the page was opened: more are news

export async function refreshFailures() {
  const { failures, total } = await ask("/api/failures", { query: { limit: 1 } });
  const line = find("live-failures");
  failuresBefore ??= total;
  line.hidden = total === 0;
  line.classList.toggle("bad", total > failuresBefore);
  if (total === 0) return;
  const [latest] = failures;
  line.replaceChildren(
    make("a", { href: address("failures") }, `${counted(total, "image")} could not be classified`), ". The latest: ",
    make("strong", {}, fileName(latest.path)), " (", SOURCES[latest.source] ?? latest.source, ", ", time(latest.created), "): ", latest.error,
  );
}

const cards = () => [...find("live").children];
const key = (result) => `${result.id} ${result.sha256} ${result.created}`;
