// For whom the next images are. A subject that images were handed in for holds no further than those: before the next
// ones somebody says that it is still the one, types another or leaves it empty. Until then they wait.

import { counted, find } from "./dom.js";

let used = null; // of the last images, until it is confirmed
let waiting = []; // files that came meanwhile
let release = null;

const given = () => find("subject").value.trim();
const unsure = () => used !== null && given() === used;

// `handIn(files, subject)` is called with what may be sent.
export function startSubject(handIn) {
  release = handIn;
  find("subject").addEventListener("input", () => {
    used = null;
    tell();
  });
  find("subject-same").addEventListener("click", () => decide(given()));
  find("subject-none").addEventListener("click", () => decide(""));
  tell();
}

export const held = () => waiting.length;

export function offer(files) {
  if (files.length === 0) return;
  if (unsure() || waiting.length > 0) waiting.push(...files);
  else pass(files);
  tell();
}

function decide(subject) {
  find("subject").value = subject;
  used = null;
  const files = waiting;
  waiting = [];
  if (files.length > 0) pass(files);
  tell();
}

function pass(files) {
  release(files, given());
  used = given() || null;
}

function tell() {
  const subject = given();
  const asks = unsure() || waiting.length > 0;
  find("for-whom").hidden = asks;
  find("for-whom").textContent = subject ? `The next images are of subject ${subject}.` : "The next images are without a subject.";
  find("subject-check").hidden = !asks;
  const those = waiting.length > 0 ? `${counted(waiting.length, "image")} ${waiting.length === 1 ? "waits" : "wait"}.` : `The last images were of ${subject}.`;
  find("subject-question").textContent = `${those} Of whom are ${waiting.length > 0 ? "they" : "the next ones"}?`;
  find("subject-same").hidden = subject === "";
  find("subject-same").textContent = unsure() ? `${subject} again` : `Of ${subject}`;
}
