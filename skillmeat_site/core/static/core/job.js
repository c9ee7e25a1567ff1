// Follows an active job: asks once a second, and loads the page anew when the job has ended.
// Without scripts the page refreshes itself (noscript in the template).
"use strict";

const job = document.querySelector("#job[data-progress]");
const EVERY_MS = 1000;
const MOST_FAILURES = 30;
let failures = 0;

function show(name, html) {
  const place = job.querySelector(`[data-job="${name}"]`);
  if (place.innerHTML !== html) place.innerHTML = html;
}

function text(name, value) {
  job.querySelector(`[data-job="${name}"]`).textContent = value;
}

async function ask() {
  const response = await fetch(job.dataset.progress, { headers: { Accept: "application/json" } });
  // A redirect leads to the login page: the session has ended.
  if (response.redirected || !response.ok) throw new Error(String(response.status));
  return response.json();
}

async function follow() {
  try {
    const now = await ask();
    failures = 0;
    show("status", now.status);  // status and bar are HTML that the server has escaped
    show("bar", now.bar);
    text("label", now.label);
    text("took", now.took);
    for (const place of document.querySelectorAll("[data-count]")) {
      place.textContent = now.counts[place.dataset.count] ?? 0;
    }
    if (!now.active) {
      window.location.reload();
      return;
    }
  } catch {
    failures += 1;
    if (failures >= MOST_FAILURES) {
      text("label", job.dataset.lost);
      return;
    }
  }
  setTimeout(follow, EVERY_MS);
}

setTimeout(follow, EVERY_MS);
