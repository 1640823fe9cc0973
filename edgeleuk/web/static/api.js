// Asking the server. What it refuses becomes an ApiError that says why, in its own words.

export class ApiError extends Error {
  constructor(status, message, retryAfterSeconds = null) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

// Called whenever the server asks for a token; main.js shows the login view then.
export const access = { onNeeded: () => {} };

export async function ask(path, { method = "GET", body = undefined, headers = {}, query = {} } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const parameters = new URLSearchParams(given).toString();
  const own = method === "GET" ? headers : { ...headers, "X-Edgeleuk": "1" };
  let response;
  try {
    response = await fetch(parameters ? `${path}?${parameters}` : path, { method, body, headers: own, cache: "no-store" });
  } catch {
    throw new ApiError(0, "The server cannot be reached.");
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  const problem = new ApiError(response.status, await reason(response), retryAfter);
  if (problem.status === 401 && path !== "/api/login") access.onNeeded();
  throw problem;
}

async function reason(response) {
  try {
    return (await response.json()).error;
  } catch {
    return `The server answered ${response.status}.`;
  }
}
