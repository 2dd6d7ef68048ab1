// What pages do beyond links and forms. Without it they work, and do not refresh by themselves.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("script");

  const rows = () => [...document.querySelectorAll("[data-row]")];
  const selected = () => document.querySelectorAll("[data-refresh] input:checked").length > 0;
  let current = null;

  function mark(row) {
    rows().forEach((other) => other.classList.toggle("current", other === row));
    current = row ? row.id : null;
    if (row) row.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = rows();
    const place = all.findIndex((row) => row.id === current);
    mark(all[Math.min(Math.max(place + step, 0), all.length - 1)] ?? null);
  }

  // Tooltips of times also tell the reader's own time.
  function localTimes(within) {
    for (const time of within.querySelectorAll("time[datetime]")) {
      if (time.dataset.local) continue;
      time.dataset.local = "1";
      time.title += `\n${new Date(time.dateTime).toLocaleString()} local`;
    }
  }

  // Nothing changes under a selection, an open dialog, or while nobody looks.
  function paused() {
    return document.hidden || selected() || document.querySelector("dialog[open]") !== null;
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("[data-refresh]") && paused()) event.preventDefault();
  });
  document.addEventListener("htmx:afterSettle", () => {
    localTimes(document);
    const row = current && document.getElementById(current);
    if (row) row.classList.add("current");
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) document.querySelectorAll("[data-refresh]").forEach((part) => window.htmx.trigger(part, "wake"));
  });

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    Enter: () => {
      const row = current && document.getElementById(current);
      if (row) window.location.assign(row.dataset.row);
    },
    x: () => {
      const box = current && document.getElementById(current).querySelector("input[type=checkbox]");
      if (box) box.checked = !box.checked;
    },
    r: () => {
      const button = document.querySelector("[data-replay]");
      if (!button) return;
      if (!selected() && current) keys.x();
      button.click();
    },
    "/": () => document.getElementById("search")?.focus(),
    "?": () => document.getElementById("help")?.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.target.closest("textarea, select, input:not([type=checkbox])")) return;
    // A focused control has Enter for itself.
    if (event.key === "Enter" && event.target.closest("a, button, summary, input")) return;
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });

  document.addEventListener("click", async (event) => {
    if (event.target.closest("[data-help]")) document.getElementById("help").showModal();
    const copy = event.target.closest("[data-copy]");
    if (!copy) return;
    await navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent);
    copy.textContent = "Copied";
  });

  localTimes(document);
})();
