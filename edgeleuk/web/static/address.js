// Where in the page one is: "#history?subject=A&result=12" says the view, its filters and the result that is open.

export function place(hash = location.hash) {
  const [view, text = ""] = hash.slice(1).split("?", 2);
  const { result = "", ...filters } = Object.fromEntries(new URLSearchParams(text));
  return { view, filters, result: /^[1-9]\d{0,15}$/.test(result) ? Number(result) : null };
}

export function address(view, filters = {}, result = null) {
  const given = Object.entries({ ...filters, result }).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `#${view}?${new URLSearchParams(given)}` : `#${view}`;
}

// The address of a result in the view that is shown: a link to it can be sent, and "back" closes what it opened.
export const resultAddress = (id) => {
  const { view, filters } = place();
  return address(view || "classify", filters, id);
};
