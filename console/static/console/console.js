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
    // The browser keeps no page, as payloads are private, so going back loads the list anew.
    if (row) sessionStorage.setItem("current", JSON.stringify([window.location.href, current]));
    if (row) row.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = rows();
    const place = all.findIndex((row) => row.id === current);
    mark(all[Math.min(Math.max(place + step, 0), all.length - 1)] ?? null);
  }

  // Where the window is narrow, a row is a card, and each of its cells needs the name of its column.
  function labelCells() {
    for (const table of document.querySelectorAll("table.rows:not(.stack)")) {
      const names = [...table.querySelectorAll("thead th")].map((head) => head.textContent);
      table.classList.toggle("cards", names.length > 0);
      for (const row of names.length ? table.tBodies[0].rows : [])
        [...row.cells].forEach((cell, place) => (cell.dataset.label = names[place]));
    }
  }

  document.addEventListener("htmx:afterSettle", () => {
    labelCells();
    const row = current && document.getElementById(current);
    if (row) row.classList.add("current");
  });

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    Enter: () => {
      const row = current && document.getElementById(current);
      if (row) window.location.assign(row.dataset.row);
    },
    x: () => {
      const box = current && document.getElementById(current)?.querySelector("input[type=checkbox]");
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

  // A double click sends one form: a second sign-in is refused, and a second delivery is forwarded.
  let sent = -Infinity;
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (event.timeStamp - sent < 1000) event.preventDefault();
    else sent = event.timeStamp;
  });

  labelCells();
  const [href, id] = JSON.parse(sessionStorage.getItem("current") ?? "[]");
  if (href === window.location.href) mark(document.getElementById(id));
  document.querySelector(".top nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
})();
