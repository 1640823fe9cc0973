// What was corrected and deleted by hand, by whom and when: of one result, and of the whole store.

import { ask } from "./api.js";
import { displayName } from "./classes.js";
import { counted, exactTime, fileName, find, make } from "./dom.js";

let oldest = null;

export function startChanges(report) {
  find("changes-more").addEventListener("click", () => loadPage(oldest).catch(report));
}

export const showChanges = () => loadPage(null);

// "subject from UID_11 to UID_12"
export function changeText(change) {
  if (change.what === "delete") return `deleted${essence(change.old)}`;
  const text = (value) => (value === null ? "none" : change.what === "label" ? displayName(value) : value);
  return `${change.what} from ${text(change.old)} to ${text(change.new)}`;
}

// What was deleted, as the audit keeps it: ": cell.png, subject P1, healthy".
function essence(kept) {
  try {
    const { path, subject, label, corrected_label: corrected } = JSON.parse(kept);
    return `: ${fileName(path)}, ${subject === null ? "no subject" : `subject ${subject}`}, ${displayName(corrected ?? label)}`;
  } catch {
    return ""; // a damaged line of the audit
  }
}

async function loadPage(before) {
  const page = await ask("/api/changes", { query: { limit: 50, before_id: before } });
  const rows = page.changes.map((change) => make("tr", {},
    make("td", {}, `Result ${change.result_id}`), make("td", {}, changeText(change)),
    make("td", {}, change.by), make("td", {}, exactTime(change.at))));
  if (before === null) find("changes").replaceChildren(...rows);
  else find("changes").append(...rows);
  oldest = page.next_before_id;
  find("changes-more").hidden = oldest === null;
  const count = find("changes").children.length;
  find("changes-table").hidden = count === 0;
  find("changes-count").textContent = count === 0 ? "Nothing was changed by hand." : `${counted(count, "change")}${oldest === null ? "" : " and more"}`;
}
