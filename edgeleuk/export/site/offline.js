// Keeps the page for a time without network. The export writes the version and the list of files.

const OURS = `edgeleuk ${registration.scope} `, CACHE = OURS + "@VERSION@";
const FILES = @FILES@;

addEventListener("install", event => event.waitUntil(caches.open(CACHE).then(cache => cache.addAll(FILES)).then(() => skipWaiting())));
addEventListener("activate", event => event.waitUntil(remove().then(() => clients.claim())));
addEventListener("fetch", event => {
  event.respondWith(caches.open(CACHE).then(cache => cache.match(event.request)).then(found => found ?? fetch(event.request)));
});

async function remove() {
  const names = (await caches.keys()).filter(name => name.startsWith(OURS) && name !== CACHE);
  await Promise.all(names.map(name => caches.delete(name)));
}
