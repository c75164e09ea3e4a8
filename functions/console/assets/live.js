// Keeps the live parts of a page up to date. A part names its address in data-live. Every two
// seconds the script asks for it with the ETag of what it shows. It pauses while the page is hidden,
// and says when a part is stale.
"use strict";
(() => {
  const EVERY_MS = 2000;
  const GIVE_UP_MS = 8000;
  // The function has 29 seconds.
  const JOB_GIVE_UP_MS = 30000;
  // The age at which numbers are called stale: three answers are missing.
  const STALE_MS = 3 * EVERY_MS;

  const follow = (section) => {
    const part = section.querySelector("[data-live-part]");
    const status = section.querySelector("[data-live-status]");
    let tag = null;
    let fresh = Date.now();
    let timer = null;
    let busy = false;
    let isSignedOut = false;

    // What is open stays open, and what has the focus keeps it, if it has an id.
    const show = (html) => {
      const focused = document.activeElement;
      const id = focused && part.contains(focused) ? focused.id : "";
      const open = [...part.querySelectorAll("details[id][open]")].map((details) => details.id);
      const job = part.querySelector("form[data-continue]");
      part.innerHTML = html;
      for (const details of part.querySelectorAll("details[id]")) {
        if (open.includes(details.id)) details.open = true;
      }
      if (id) document.getElementById(id)?.focus();
      // The job has ended: the page around the part has more to show.
      if (job && !part.querySelector("form[data-continue]")) location.replace(job.dataset.continue);
    };

    const signedOut = () => {
      const link = document.createElement("a");
      link.href = `/console/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`;
      link.textContent = section.dataset.signIn;
      status.replaceChildren(section.dataset.signedOut, " ", link);
      status.classList.remove("unseen");
      section.classList.add("stale");
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
      isSignedOut = answer.status === 401;
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
        credentials: "same-origin", signal: AbortSignal.timeout(JOB_GIVE_UP_MS),
      });
    };

    const isOld = () => Date.now() - fresh > STALE_MS;

    const tick = async () => {
      timer = null;
      if (document.hidden || busy) return;
      busy = true;
      if (!isSignedOut) stale(isOld());
      try {
        await goOn();
        await ask();
      } catch {
        // The next one may succeed. Until then the numbers grow old.
      }
      busy = false;
      // A person who has signed in elsewhere comes back to this page, and it goes on.
      if (isSignedOut) return signedOut();
      stale(isOld());
      if (!document.hidden && section.isConnected) timer = setTimeout(tick, EVERY_MS);
    };

    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && timer === null) tick();
    });
    timer = setTimeout(tick, EVERY_MS);
    // Also while an answer is on its way.
    setInterval(() => { if (!isSignedOut && isOld()) stale(true); }, EVERY_MS);
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
