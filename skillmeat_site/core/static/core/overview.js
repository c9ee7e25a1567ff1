// Follows panels in which something runs: asks for them anew every few seconds, until nothing runs any more.
// Without scripts the page refreshes itself (noscript in the template).
"use strict";

const EVERY = 3000;
const MOST_MISSES = 20;

function follow(panel) {
  let misses = 0;
  async function ask() {
    try {
      const response = await fetch(panel.dataset.panel, { headers: { Accept: "application/json" } });
      // A redirect leads to the login page: the session has ended.
      if (response.redirected || !response.ok) throw new Error(String(response.status));
      const now = await response.json();
      misses = 0;
      // Whoever stands in the panel with the keyboard is not thrown out of it.
      if (!panel.contains(document.activeElement)) panel.innerHTML = now.html;  // the server has escaped it
      if (!now.active) return;
    } catch {
      misses += 1;
      if (misses >= MOST_MISSES) return;
    }
    setTimeout(ask, EVERY);
  }
  setTimeout(ask, EVERY);
}

document.querySelectorAll("[data-panel]").forEach(follow);
