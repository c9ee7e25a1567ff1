// Follows an active job. Once a second it asks how far the job is, which is little; the parts of the page are brought
// up to date when something has ended meanwhile, every few seconds at most, and once more at the end.
// Without scripts the page refreshes itself (noscript in the template).
"use strict";

const job = document.querySelector("#job[data-progress]");
const EVERY_MS = 1000;
const PARTS_EVERY_MS = 3000;
const SLOWLY_AFTER_MS = 60_000;
const SLOWLY_MS = 3000;
const MOST_FAILURES = 30;
const began = Date.now();
let failures = 0;
let partsAt = 0;
let seen = "";

const place = (name) => job.querySelector(`[data-job="${name}"]`);

function html(name, value) {
  if (place(name) && place(name).innerHTML !== value) place(name).innerHTML = value;
}

function text(name, value) {
  if (place(name) && place(name).textContent !== value) place(name).textContent = value;
}

async function ask() {
  const response = await fetch(job.dataset.progress, { headers: { Accept: "application/json" } });
  // A redirect leads to the login page: the session has ended.
  if (response.redirected || !response.ok) throw new Error(String(response.status));
  return response.json();
}

function show(now) {
  html("status", now.status);  // status and bar are HTML that the server has escaped
  html("bar", now.bar);
  text("label", now.label);
  text("left", now.left);
  text("took", now.took);
  text("said", place("status").textContent);  // read out when the word changes, and only then
  for (const count of document.querySelectorAll("[data-count]")) {
    count.textContent = now.counts[count.dataset.count] ?? 0;
  }
}

async function parts(now) {
  const counted = JSON.stringify([now.counts, now.status]);
  const due = counted !== seen && Date.now() - partsAt >= PARTS_EVERY_MS;
  if (now.active && !due) return;
  await window.smLive.refresh(window.location.href);
  partsAt = Date.now();
  seen = counted;
}

async function follow() {
  if (!document.hidden) {
    try {
      const now = await ask();
      show(now);
      await parts(now);
      failures = 0;
      if (!now.active) return;
    } catch {
      failures += 1;
      if (failures >= MOST_FAILURES) {
        text("label", job.dataset.lost);
        return;
      }
    }
  }
  setTimeout(follow, Date.now() - began > SLOWLY_AFTER_MS ? SLOWLY_MS : EVERY_MS);
}

setTimeout(follow, EVERY_MS);
