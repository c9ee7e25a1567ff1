// Brings the parts of a page up to date without loading it anew: what is marked with data-live is taken out of the
// same page as the server writes it now. Scroll, focus, and what is typed outside of those parts stay.
"use strict";

window.smLive = {
  // Resolves to the answer's document and address, or to null if it led elsewhere: to the login, or to the job.
  async refresh(url, isCurrent = () => true, request = {}) {
    const response = await fetch(url, { headers: { Accept: "text/html" }, ...request });
    if (new URL(response.url).pathname !== window.location.pathname) return null;
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (isCurrent()) {
      for (const part of document.querySelectorAll("[data-live]")) {
        this.replace(part, page.querySelector(`[data-live="${part.dataset.live}"]`));
      }
    }
    return { page, url: response.url };
  },

  replace(part, now) {
    if (!now || part.innerHTML === now.innerHTML) return;
    const held = part.contains(document.activeElement) ? document.activeElement : null;
    const aside = part.querySelector(".sm-wide")?.scrollLeft ?? 0;
    const open = [...part.querySelectorAll("details")].map((box) => box.open);
    part.replaceChildren(...now.childNodes);
    part.querySelectorAll("details").forEach((box, place) => { box.open = open[place] ?? box.open; });
    const wide = part.querySelector(".sm-wide");
    if (wide) wide.scrollLeft = aside;
    if (held) this.hold(part, held);
  },

  // The same thing in the new part: by its id, its link or its name.
  hold(part, held) {
    const same = (one) => one.tagName === held.tagName && ["id", "href", "name", "value"].every(
      (name) => one.getAttribute(name) === held.getAttribute(name));
    [...part.querySelectorAll("a, button, input, select, summary")].find(same)?.focus({ preventScroll: true });
  },
};
