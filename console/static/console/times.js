// Times are written as how long ago, and go on while the page stays. The switch shows them in UTC or in the reader's
// own time. Tooltips have both.
(() => {
  "use strict";
  const ways = ["relative", "UTC", "local"];
  const way = () => (ways.includes(localStorage.getItem("times")) ? localStorage.getItem("times") : ways[0]);
  // Milliseconds by which the server's clock is ahead of the browser's.
  const ahead = Date.parse(document.documentElement.dataset.now) - Date.now();

  // As ledger.summary.span writes it.
  function span(seconds) {
    for (const [unit, length, most] of [["s", 1, 120], ["min", 60, 120], ["h", 3600, 48]])
      if (seconds < length * most) return `${Math.round(seconds / length)} ${unit}`;
    return `${Math.round(seconds / 86400)} days`;
  }

  function relative(date) {
    const seconds = (Date.now() + ahead - date) / 1000;
    return seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
  }

  // The Swedish form is nearly ISO 8601: no reader takes the day for the month, and a filter takes it with its offset.
  const local = (date) =>
    date.toLocaleString("sv-SE", { timeZoneName: "longOffset" }).replace(/ GMT$/, "+00:00").replace(" GMT", "").replace("\u2212", "-");

  function show() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const date = new Date(time.dateTime);
      if (!time.dataset.utc) {
        time.dataset.utc = time.title;
        time.title = `${time.title}\n${local(date)}`;
      }
      const text = { relative, UTC: () => time.dataset.utc, local }[way()](date);
      // What does not change stays selected.
      if (time.textContent !== text) time.textContent = text;
    }
  }

  const button = document.querySelector("[data-times]");
  const name = () => (button.textContent = `Times: ${way()}`);
  button?.addEventListener("click", () => {
    localStorage.setItem("times", ways[(ways.indexOf(way()) + 1) % ways.length]);
    name();
    show();
  });
  document.addEventListener("htmx:afterSettle", show);
  setInterval(show, 1000);
  if (button) name();
  show();
})();
