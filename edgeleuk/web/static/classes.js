// The served model and its classes: how each is called before people, and which colour and mark it has everywhere.

const TONES = 12;
const MARKS = 4;
let names = {};
let order = [];
export let served = { sha256: null, name: null };

export function useModel(model) {
  const { classes, positive_class: positive } = model.spec;
  served = model;
  names = model.display_names ?? {};
  order = positive ? [positive, ...classes.filter((name) => name !== positive)] : [...classes];
}

export const displayName = (label) => names[label] ?? label;

// Classes of other models come behind those of the served one, in the order in which they turn up. Tone and mark
// together tell 48 classes apart; the mark does where colours cannot.
export function tone(label) {
  if (!order.includes(label)) order.push(label);
  const position = order.indexOf(label);
  return `tone-${position % TONES} mark-${(position + Math.floor(position / TONES)) % MARKS}`;
}

// With the beginning of its hash: on a device every model is called model.tflite.
export const modelTitle = (name, sha256) => `${name ?? "model"} (${sha256.slice(0, 8)})`;

export const modelName = (result) => modelTitle(result.model_name, result.model_sha256);
