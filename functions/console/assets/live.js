// Keeps the live parts of a page up to date. A part names its address in data-live. Every two
// seconds the script asks for it with the ETag of what it shows. It pauses while the page is hidden,
// and says when a part is stale.
"use strict";
(() => {
  const EVERY_MS = 2000;
  const GIVE_UP_MS = 8000;
  // The age at which numbers are called stale: three answers are missing.
  const STALE_MS = 3 * EVERY_MS;

  const follow = (section) => {
    const part = section.querySelector("[data-live-part]");
    const status = section.querySelector("[data-live-status]");
    let tag = null;
    let fresh = Date.now();
    let timer = null;

    const show = (html) => {
      const focused = document.activeElement;
      const id = focused && part.contains(focused) ? focused.id : "";
      part.innerHTML = html;
      if (id) document.getElementById(id)?.focus();
    };

    const stale = (yes) => {
      section.classList.toggle("stale", yes);
      const text = yes ? section.dataset.stale : "";
      if (status.textContent !== text) status.textContent = text;
      status.classList.toggle("unseen", !yes);
    };

    const ask = async () => {
      const headers = { "x-console-poll": "1" };
      if (tag) headers["if-none-match"] = tag;
      const signal = AbortSignal.timeout(GIVE_UP_MS);
      const answer = await fetch(section.dataset.live, {
        headers, signal, cache: "no-store", credentials: "same-origin", redirect: "error",
      });
      if (answer.status === 200) {
        show(await answer.text());
        tag = answer.headers.get("etag");
      } else if (answer.status !== 304) {
        throw new Error(String(answer.status));
      }
      fresh = Date.now();
    };

    // A long job goes on while somebody looks at its progress.
    const goOn = async () => {
      const form = part.querySelector("form[data-continue]");
      if (!form) return;
      await fetch(form.action, {
        method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual",
        credentials: "same-origin",
      });
    };

    const tick = async () => {
      timer = null;
      if (document.hidden) return;
      try {
        await goOn();
        await ask();
      } catch {
        // The next one may succeed. Until then the numbers grow old.
      }
      stale(Date.now() - fresh > STALE_MS);
      if (!document.hidden && section.isConnected) timer = setTimeout(tick, EVERY_MS);
    };

    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && timer === null) tick();
    });
    timer = setTimeout(tick, EVERY_MS);
  };

  for (const section of document.querySelectorAll("[data-live]")) follow(section);

  // A menu closes when something else is used.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  for (const button of document.querySelectorAll("[data-print]")) {
    button.addEventListener("click", () => window.print());
  }
})();
