// Parts of a page that refresh: when they wait, what the reader keeps across a refresh, and a note while it fails.
(() => {
  "use strict";
  const STOPS = "a, button, input, select, summary, [tabindex]";

  // Nothing changes under selected rows or text, a pressed button or an open dialog, or while nobody looks.
  function isInUse(part) {
    const text = document.getSelection();
    const selected = part.querySelector("input:checked, :active") || (!text.isCollapsed && text.containsNode(part, true));
    return document.hidden || selected || document.querySelector("dialog[open]") !== null;
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("[data-refresh]") && isInUse(event.target)) event.preventDefault();
  });

  // The new part is another element, so the browser forgets what had the focus and how far a table was scrolled.
  const called = (stop) => stop.getAttribute("aria-label") ?? stop.getAttribute("href") ?? stop.textContent;
  const alike = (block, name) => [...block.querySelectorAll(STOPS)].filter((stop) => called(stop) === name);
  const tables = () => [...document.querySelectorAll(".scroll")];
  let restore = () => {};

  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.target;
    // The reader may have begun since the request.
    if (isInUse(part)) event.detail.shouldSwap = false;
    const places = tables().map((table) => table.scrollLeft);
    const stop = part.contains(document.activeElement) ? document.activeElement : null;
    const block = stop?.parentElement.closest("[id]");
    const number = stop ? alike(block, called(stop)).indexOf(stop) : 0;
    restore = () => {
      restore = () => {};
      tables().forEach((table, place) => (table.scrollLeft = places[place] ?? 0));
      if (!stop || document.activeElement !== document.body) return;
      const now = document.getElementById(block.id);
      const found = now && alike(now, called(stop))[number];
      (found ?? document.getElementById("content")).focus({ preventScroll: true });
    };
  });
  document.addEventListener("htmx:afterSettle", () => restore());

  // A screen reader speaks again what is put again into the note on new deliveries.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (target.textContent === fragment.textContent) event.detail.shouldSwap = false;
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    document.getElementById("stale").hidden = event.detail.successful === true;
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) document.querySelectorAll("[data-refresh]").forEach((part) => window.htmx.trigger(part, "wake"));
  });
})();
