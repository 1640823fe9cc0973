// Asking the server. What it refuses becomes an ApiError that says why, in its own words; status 0: no answer came.

import { sleep } from "./dom.js";

const PATIENCE_MS = 30_000;
const PROBE_MOST_S = 8;
const HEALTH_MS = 15_000; // longer than the server itself waits for its inference thread

export class ApiError extends Error {
  constructor(status, message, retryAfterSeconds = null) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

// Called whenever the server asks for a token; main.js shows the login view then.
export const access = { onNeeded: () => {} };

// Whether the server answers at all; tells "lost" and "back", and "health" when asked how it is. While it is lost it is
// asked again and again.
class Reach extends EventTarget {
  lost = false;
  trouble = null; // what a server that answers says is wrong with it

  lose() {
    if (this.lost) return;
    this.lost = true;
    this.dispatchEvent(new Event("lost"));
    this.#probe();
  }

  // Where something else than an answer says that the server may be gone, or not well.
  async check() {
    try {
      const response = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(HEALTH_MS) });
      this.regain();
      this.trouble = response.ok ? null : await reason(response, "status");
      this.dispatchEvent(new Event("health"));
    } catch {
      this.lose();
    }
  }

  regain() {
    if (!this.lost) return;
    this.lost = false;
    this.dispatchEvent(new Event("back"));
  }

  async #probe() {
    for (let seconds = 1; this.lost; seconds = Math.min(PROBE_MOST_S, 1.5 * seconds)) {
      await sleep(seconds);
      await this.check();
    }
  }
}
export const reach = new Reach();

// `json`: a body to send as JSON.
export async function ask(path, { method = "GET", body, json, headers = {}, query = {}, patienceMs = PATIENCE_MS } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const parameters = new URLSearchParams(given).toString();
  const own = { ...headers, ...(method === "GET" ? {} : { "X-Edgeleuk": "1" }), ...(json ? { "Content-Type": "application/json" } : {}) };
  const response = await send(parameters ? `${path}?${parameters}` : path, {
    method, body: json ? JSON.stringify(json) : body, headers: own, cache: "no-store", signal: AbortSignal.timeout(patienceMs),
  });
  if (response.ok) return response.status === 204 ? null : answer(response);
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  const problem = new ApiError(response.status, await reason(response), retryAfter);
  if (problem.status === 401 && path !== "/api/login") access.onNeeded();
  throw problem;
}

async function send(path, options) {
  try {
    const response = await fetch(path, options);
    reach.regain();
    return response;
  } catch {
    reach.lose();
    throw new ApiError(0, "The server cannot be reached.");
  }
}

async function answer(response) {
  try {
    return await response.json();
  } catch {
    throw new ApiError(0, "The connection broke during the response.");
  }
}

async function reason(response, key = "detail") {
  try {
    return (await response.json())[key];
  } catch {
    return `The server answered ${response.status}.`;
  }
}
