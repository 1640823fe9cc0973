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

export const percent = (probability) => `${(100 * probability).toFixed(1)} %`;

export function time(text) {
  const moment = new Date(text);
  const today = new Date().toDateString() === moment.toDateString();
  const options = today ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" };
  return make("time", { datetime: text, title: moment.toLocaleString() }, new Intl.DateTimeFormat(undefined, options).format(moment));
}

// The last part of a path; uploads have none.
export const fileName = (path) => path.slice(path.lastIndexOf("/") + 1) || path;

export function show(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}

export const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
