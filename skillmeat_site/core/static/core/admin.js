// A form is sent once: the button rests until the page is left, or comes back from the browser's cache.
"use strict";

for (const form of document.querySelectorAll("form[data-submit-once]")) {
  const buttons = form.querySelectorAll("input[type=submit], button");
  form.addEventListener("submit", () => setTimeout(() => buttons.forEach((button) => { button.disabled = true; })));
  window.addEventListener("pageshow", () => buttons.forEach((button) => { button.disabled = false; }));
}

// The navigation of a narrow screen folds. Without scripts it stays open.
const menu = document.querySelector(".sm-nav-button");
if (menu) {
  const unfold = (open) => menu.setAttribute("aria-expanded", String(open));
  unfold(false);
  menu.dataset.ready = "";
  menu.addEventListener("click", () => unfold(menu.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || menu.getAttribute("aria-expanded") !== "true" || !menu.offsetParent) return;
    unfold(false);
    menu.focus();
  });
}
