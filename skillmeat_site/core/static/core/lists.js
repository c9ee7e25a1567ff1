// What makes a list handier; everything works without it. A picked row is shown at once, a link is copied by a click.
"use strict";

const jq = window.django && window.django.jQuery;
if (jq) jq(".sm-picked select").on("change", (event) => event.target.form.requestSubmit());

for (const link of document.querySelectorAll("[data-copy-link]")) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(link.href);
      document.querySelector(".sm-said").textContent = link.dataset.copied;
      link.closest("details").open = false;
    } catch {
      window.location.href = link.href;  // to be copied from the address bar
    }
  });
}

// On a phone a row is a card: each value with its column's name, which the style sheet writes before it.
const table = document.getElementById("result_list");
if (table) {
  const names = Array.from(table.tHead.rows[0].cells, (cell) => cell.querySelector(".text")?.textContent.trim() ?? "");
  for (const row of table.tBodies[0].rows) {
    Array.from(row.cells).forEach((cell, place) => {
      cell.dataset.column = names[place];
      cell.classList.toggle("sm-blank", cell.textContent.trim() === "-");
    });
  }
  table.classList.add("sm-cards");
}

// A menu closes when something else is clicked, and with Escape.
document.addEventListener("click", (event) => {
  if (event.target.closest(".select2-container")) return;
  for (const menu of document.querySelectorAll(".sm-filter[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector(".sm-filter[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
