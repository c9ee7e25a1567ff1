// Keeps the preview up with the options, and with the job that works the exact plan out. Without scripts the button
// "Update preview" does the first, and the page refreshes itself for the second (noscript in the template).
"use strict";

const form = document.querySelector("#options");
const counts = document.querySelector("#plan-counts");
const failed = document.querySelector("[data-failed]");
const LONGEST = 1500;  // of options in an address, as in confirmation.py: servers refuse long ones
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

// What is long is sent, and the server answers under a short address.
function preview() {
  const url = query();
  if (url.length <= LONGEST) return refresh(url);
  const body = new URLSearchParams(new FormData(form));
  body.append("preview", "1");
  return refresh(window.location.href, { method: "POST", body });
}

async function refresh(url, request = {}) {
  const mine = ++asked;
  counts.setAttribute("aria-busy", "true");
  try {
    const answer = await window.smLive.refresh(url, () => mine === asked, request);
    if (answer === null) {
      window.location.assign(url);
      return;
    }
    if (mine !== asked) return;
    counts.toggleAttribute("data-waits", answer.page.querySelector("#plan-counts").hasAttribute("data-waits"));
    window.history.replaceState(null, "", answer.url);
    failed.hidden = true;
  } catch {
    if (mine === asked) failed.hidden = false;  // what stands there may be of other options than those entered
  } finally {
    if (mine === asked) counts.removeAttribute("aria-busy");
  }
  wait();
}

function wait() {
  clearTimeout(timer);
  if (counts.hasAttribute("data-waits")) {
    timer = setTimeout(() => refresh(window.location.href), WAIT_MS);
  }
}

if (form.hasAttribute("data-preview")) {
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(preview, REST_MS);
  });
}
wait();
