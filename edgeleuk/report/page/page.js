"use strict";

document.getElementById("download").addEventListener("click", async () => {
  const told = document.getElementById("download-told");
  if (!("DecompressionStream" in window)) {
    told.textContent = "This browser cannot unpack them: open the page in one of 2023 or later.";
    return;
  }
  const packed = Uint8Array.from(atob(document.getElementById("records").textContent), (c) => c.charCodeAt(0));
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const json = new Blob([await new Response(plain).arrayBuffer()], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(json);
  link.download = "edgeleuk-records.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  told.textContent = `${(json.size / 1e6).toFixed(1)} MB`;
});

// A link in the contents leads into a part that may be closed.
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) {
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    target.scrollIntoView();
  }
};
addEventListener("hashchange", reveal);
if (location.hash) reveal();

// On paper nothing can be opened.
const closed = [];
addEventListener("beforeprint", () => document.querySelectorAll("details:not([open])").forEach((part) => {
  part.open = true;
  closed.push(part);
}));
addEventListener("afterprint", () => closed.splice(0).forEach((part) => { part.open = false; }));
