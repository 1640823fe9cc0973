// The images that could not be classified, whoever handed them in.

import { ask } from "./api.js";
import { SOURCES } from "./cards.js";
import { counted, fileName, find, make, time } from "./dom.js";

let oldest = null;

export function startFailures(report) {
  find("failures-more").addEventListener("click", () => loadPage(oldest).catch(report));
}

export const showFailures = () => loadPage(null);

async function loadPage(before) {
  const page = await ask("/api/failures", { query: { limit: 50, before_id: before } });
  const rows = page.failures.map((failure) => make("tr", {},
    make("td", { title: failure.path }, fileName(failure.path)), make("td", {}, failure.error),
    make("td", {}, SOURCES[failure.source] ?? failure.source), make("td", {}, time(failure.created))));
  if (before === null) find("failures").replaceChildren(...rows);
  else find("failures").append(...rows);
  oldest = page.next_before_id;
  find("failures-more").hidden = oldest === null;
  find("failures-table").hidden = page.total === 0;
  find("failures-count").textContent = page.total === 0 ? "Every image could be classified." : counted(page.total, "image");
}
