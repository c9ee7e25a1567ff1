// A form is sent once: the button rests until the page is left, or comes back from the browser's cache.
"use strict";

for (const form of document.querySelectorAll("form[data-submit-once]")) {
  const buttons = form.querySelectorAll("input[type=submit], button");
  form.addEventListener("submit", () => setTimeout(() => buttons.forEach((button) => { button.disabled = true; })));
  window.addEventListener("pageshow", () => buttons.forEach((button) => { button.disabled = false; }));
}
