// Keeps the preview up with the options, and with the job that works the exact plan out. Without scripts the button
// "Update preview" does the first, and the page refreshes itself for the second (noscript in the template).
"use strict";

const form = document.querySelector("#options");
const counts = document.querySelector("#plan-counts");
const REST_MS = 400;
const WAIT_MS = 1500;
let timer = 0;
let asked = 0;

function query() {
  const said = new URLSearchParams({ options: "1" });
  for (const [name, value] of new FormData(form)) {
    if (name !== "csrfmiddlewaretoken" && name !== "shown") said.append(name, value);
  }
  return `?${said}`;
}

async function refresh(url) {
  const mine = ++asked;
  counts.setAttribute("aria-busy", "true");
  try {
    const page = await window.smLive.refresh(url, () => mine === asked);
    if (page === null) {
      window.location.assign(url);
      return;
    }
    if (mine !== asked) return;
    counts.toggleAttribute("data-waits", page.querySelector("#plan-counts").hasAttribute("data-waits"));
    window.history.replaceState(null, "", url);
  } finally {
    if (mine === asked) counts.removeAttribute("aria-busy");
  }
  wait();
}

function wait() {
  clearTimeout(timer);
  if (counts.hasAttribute("data-waits")) {
    timer = setTimeout(() => refresh(window.location.href).catch(wait), WAIT_MS);
  }
}

if (form.hasAttribute("data-preview")) {
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => refresh(query()).catch(wait), REST_MS);
  });
}
wait();
