// Counts down what the page already says in words, posts the form that posts itself, keeps a sealed form over a reload. Little depends on it: the words stay, and a form has its button.
(() => {
  "use strict";

  const counted = (count, unit) => (count ? `${count} ${unit}${count === 1 ? "" : "s"}` : "");

  // the same words as `duration` in rendering.py
  const duration = (seconds) => {
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    const words = hours
      ? [counted(hours, "hour"), counted(minutes, "minute")]
      : minutes >= 5
        ? [counted(minutes, "minute")]
        : [counted(minutes, "minute"), counted(seconds % 60, "second")];
    return words.filter(Boolean).join(" ") || "0 seconds";
  };

  // A screen reader hears the end coming three times, not every second.
  const spokenAt = [300, 60];

  for (const clock of document.querySelectorAll("[data-remaining-seconds]")) {
    const seconds = Number(clock.dataset.remainingSeconds);
    const endsAt = Date.now() + seconds * 1000;
    const sentence = clock.closest("[data-ended]");
    const spoken = clock.dataset.speaks ? document.getElementById(clock.dataset.speaks) : null;
    let before = seconds;

    const tick = () => {
      const left = Math.max(0, Math.ceil((endsAt - Date.now()) / 1000));
      if (left === 0) {
        sentence.textContent = sentence.dataset.ended;
        const heading = sentence.dataset.endedHeading;
        if (heading) document.querySelector("h1").textContent = heading;
        if (spoken) spoken.textContent = sentence.dataset.ended;
        return;
      }
      clock.textContent = duration(left);
      const mark = spokenAt.find((at) => before > at && left <= at);
      if (spoken && mark) spoken.textContent = `${clock.dataset.what} ends in ${duration(mark)}.`;
      before = left;
      setTimeout(tick, 1000);
    };
    tick();
  }

  for (const moment of document.querySelectorAll("time[datetime]")) {
    const at = new Date(moment.dateTime);
    const sameDay = at.toDateString() === new Date().toDateString();
    const style = sameDay ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
    if (!Number.isNaN(at.getTime())) moment.textContent = new Intl.DateTimeFormat(undefined, style).format(at);
  }

  // Firefox reloads a page that a 307 led to with GET, and so without the form in it. The window remembers the form, sealed as it is.
  // Where a browser stores nothing for this site, or too little, the page says what it said.
  const shown = document.querySelector("form[data-kept]");
  const again = document.querySelector("template[data-kept-again]");
  try {
    if (shown && location.pathname === "/.gateway/form") {
      const { name, value } = shown.elements[0];
      sessionStorage.setItem("gateway-form", JSON.stringify({ at: location.href, action: shown.action, name, value }));
    }
    const kept = again && JSON.parse(sessionStorage.getItem("gateway-form"));
    if (kept && kept.at === location.href) {
      const main = again.closest("main");
      const heading = main.querySelector("h1");
      const form = again.content.querySelector("form");
      form.action = kept.action;
      Object.assign(form.elements[0], { name: kept.name, value: kept.value });
      main.className = "card ask";
      document.title = heading.textContent = again.dataset.keptAgain;
      main.replaceChildren(main.querySelector(".emblem"), heading, again.content);
      document.querySelector("footer").remove();
    }
  } catch {}

  for (const form of document.querySelectorAll("form[data-posts-itself]")) form.submit();
})();
