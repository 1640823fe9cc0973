// Small helpers: finding, making and filling elements, and writing numbers and times.

export const find = (id) => document.getElementById(id);

// make("li", { class: "card" }, "text", element, null): attributes by name; nothing is ever parsed as HTML.
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const button = (text, onclick, kind = "plain") => make("button", { type: "button", class: kind, onclick }, text);

// A name that may go to the next line behind what joins its words, not within one.
export function breakable(text) {
  const parts = text.match(/[^_\-./+]*[_\-./+]+|[^_\-./+]+/g) ?? [text];
  return parts.flatMap((part, position) => (position ? [make("wbr"), part] : [part]));
}

export const percent = (probability) => `${(100 * probability).toFixed(1)} %`;

export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

// Always with its day: a page stays open over many.
export function time(text) {
  const moment = new Date(text);
  const year = moment.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  const options = { year, month: "short", day: "numeric", hour: "numeric", minute: "2-digit", second: "2-digit" };
  return make("time", { datetime: text, title: exactTime(text) }, new Intl.DateTimeFormat(undefined, options).format(moment));
}

// With the offset from UTC that held then.
export const exactTime = (text) =>
  new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" }).format(new Date(text));

// The zone that days and times of this page are in: that of whoever looks.
export const zone = () => {
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return name && name !== "Etc/Unknown" ? name : offset();
};

function offset() {
  const minutes = -new Date().getTimezoneOffset();
  const part = (value) => String(Math.floor(Math.abs(value))).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${part(minutes / 60)}:${part(minutes % 60)}`;
}

export const zoneText = () => ([offset(), "UTC"].includes(zone()) ? `UTC${zone() === "UTC" ? "" : offset()}` : `${zone()} (now UTC${offset()})`);

// The last part of a path; uploads have none.
export const fileName = (path) => path.slice(path.lastIndexOf("/") + 1) || path;

export function show(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}

export const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
