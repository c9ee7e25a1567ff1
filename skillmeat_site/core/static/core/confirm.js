// Keeps the preview up with the options, and with the job that works the exact plan out. Without scripts the button
// "Update preview" does the first, and the page refreshes itself for the second (noscript in the template).
"use strict";

const form = document.querySelector("#options");
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
  const response = await fetch(url, { headers: { Accept: "text/html" } });
  // A redirect leads to the login page, or to the job: let the browser go there itself.
  if (response.redirected) { window.location.assign(url); return; }
  if (!response.ok || mine !== asked) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!now || part.innerHTML === now.innerHTML) continue;
    if (part.contains(document.activeElement) && part.dataset.live === "buttons") continue;
    part.replaceChildren(...now.childNodes);
    part.toggleAttribute("data-waits", now.hasAttribute("data-waits"));
  }
  window.history.replaceState(null, "", url);
  wait();
}

function wait() {
  clearTimeout(timer);
  if (document.querySelector("[data-waits]")) {
    timer = setTimeout(() => refresh(window.location.href).catch(wait), WAIT_MS);
  }
}

if (form && form.hasAttribute("data-preview")) {
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => refresh(query()).catch(() => {}), REST_MS);
  });
}
wait();
