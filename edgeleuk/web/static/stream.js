// What the server tells while it happens: one stream for all tabs of a browser, for it opens six connections to a
// server at most. Of the tabs that are seen one listens to the server and tells the others. One that is hidden holds
// nothing, and reads everything again when it is visible. (Web Locks would do, but exist over HTTPS only.)

const EVENTS = ["model", "reset", "result", "changed", "removed", "failure"];
const BEAT_MS = 2000;
const SILENCE_MS = 7000;
const ANSWER_MS = 400;
const RETRY_MS = 5000;

const me = Math.random().toString(36).slice(2);
const channel = "BroadcastChannel" in window ? new BroadcastChannel("edgeleuk-live") : null;
let told = null;
let wanted = false;
let source = null; // of the tab that listens
let since = 0;
let opened = 0;
let state = "off";
let heard = 0; // when the tab that listens was heard
let epoch = null; // the connection whose events this tab gets

// `handlers`: state(name), open() after which everything is read again, event(name, data), refused() if it is closed.
export function startStream(handlers) {
  told = handlers;
  wanted = true;
  join();
}

export function stopStream() {
  wanted = false;
  leave();
}

// For what tabs tell each other besides: a login.
export const tellTabs = (kind) => channel?.postMessage({ kind, from: me });
export const onTabs = { session: () => {} };

const active = () => wanted && !document.hidden;

function join() {
  if (!active() || source) return;
  epoch = null;
  channel?.postMessage({ kind: "who", from: me });
  leadAfter(channel ? ANSWER_MS * (0.5 + Math.random()) : 0);
}

// Listens to the server itself unless a tab that does is heard before.
function leadAfter(milliseconds) {
  heard = performance.now() - SILENCE_MS + milliseconds;
  setTimeout(leadUnlessOther, milliseconds + 1);
}

function leadUnlessOther() {
  if (active() && !source && performance.now() - heard > SILENCE_MS) lead();
}

function lead() {
  since = Date.now();
  opened = 0;
  listen();
}

function listen() {
  source?.close();
  source = new EventSource("/api/events");
  const mine = source;
  mine.addEventListener("open", () => {
    opened += 1;
    tell("on");
  });
  for (const name of EVENTS) {
    mine.addEventListener(name, (event) => {
      const data = JSON.parse(event.data);
      channel?.postMessage({ kind: "event", from: me, name, data });
      told.event(name, data);
    });
  }
  mine.addEventListener("error", () => {
    tell("off");
    if (mine.readyState !== EventSource.CLOSED) return; // else it was refused: the browser gives up, we do not
    told.refused();
    setTimeout(() => { if (source === mine) listen(); }, RETRY_MS);
  });
  tell("off");
}

function tell(name) {
  beat(name);
  follow(name, `${me} ${opened}`);
}

const beat = (name = state) => channel?.postMessage({ kind: "lead", from: me, since, state: name, epoch: `${me} ${opened}` });

// Whatever was told before this connection was there may have passed this tab by.
function follow(name, connection) {
  const fresh = name === "on" && connection !== epoch;
  if (name === "on") epoch = connection;
  state = name;
  told.state(name);
  if (fresh) told.open();
}

function leave() {
  if (source) channel?.postMessage({ kind: "left", from: me });
  source?.close();
  source = null;
  epoch = null;
  state = "off";
}

const MESSAGES = {
  who: () => { if (source) beat(); },
  left: () => leadAfter(ANSWER_MS * Math.random()),
  lead: (message) => {
    if (source && (since < message.since || (since === message.since && me < message.from))) {
      beat(); // of two that listen the older one goes on
      return;
    }
    source?.close();
    source = null;
    heard = performance.now();
    if (active()) follow(message.state, message.epoch);
  },
  event: (message) => {
    heard = performance.now();
    if (active() && !source) told.event(message.name, message.data);
  },
  session: () => onTabs.session(),
};

channel?.addEventListener("message", ({ data }) => MESSAGES[data.kind]?.(data));
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : join()));
addEventListener("pagehide", leave);
addEventListener("pageshow", join);
setInterval(() => (source ? beat() : leadUnlessOther()), BEAT_MS);
