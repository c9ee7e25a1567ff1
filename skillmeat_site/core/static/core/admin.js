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

// Names for controls that Django's own widgets leave without one. jQuery makes some of them after the page has loaded.
function nameControls() {
  for (const box of document.querySelectorAll(".select2-selection[role=combobox]")) {
    const select = box.closest(".select2-container").previousElementSibling;
    const label = select && (select.labels?.[0]?.textContent ?? select.getAttribute("aria-label"));
    for (const part of label ? [box, ...box.querySelectorAll("[role=textbox]")] : []) {
      part.setAttribute("aria-label", label.trim().replace(/:$/, ""));
    }
  }
  for (const input of document.querySelectorAll(".datetime input:not([aria-label])")) {
    input.setAttribute("aria-label", input.previousSibling?.textContent.trim().replace(/:$/, "") ?? "");
  }
  for (const mark of document.querySelectorAll(".help-tooltip[aria-label]")) mark.setAttribute("role", "img");
}
window.addEventListener("load", () => (window.django?.jQuery ?? setTimeout)(nameControls));
