// The form of a source, handier: checked without leaving the page, rows that come and go, folders found while typing.
// Without scripts the button sends the form and the page comes back with the result; empty rows stand ready.
"use strict";

let tree = "";

function check() {
  const place = document.querySelector("[data-check]");
  if (!place) return;
  const form = place.closest("form");
  const button = form.querySelector("button[name=_check]");
  let plainly = false;
  form.addEventListener("submit", async (event) => {
    if (event.submitter !== button || plainly) return;
    event.preventDefault();
    const body = new FormData(form);
    body.append(button.name, button.value);
    button.disabled = true;
    place.textContent = place.dataset.waiting;
    try {
      const answer = await fetch(window.location.href, { method: "POST", body, headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const found = await answer.json();
      if (found.invalid) {  // the page shows what is wrong at each field
        plainly = true;
        button.disabled = false;
        form.requestSubmit(button);
        return;
      }
      tree = found.tree;
      place.innerHTML = found.html;  // HTML that the server has escaped
    } catch {
      place.textContent = place.dataset.failed;
    } finally {
      button.disabled = false;
    }
  });
}

function rows(map) {
  const body = map.querySelector("tbody");
  const add = map.querySelector(".sm-map-add");
  const wire = (row) => {
    const remove = row.querySelector(".sm-map-remove");
    remove.hidden = false;
    remove.addEventListener("click", () => {
      if (body.rows.length > 1) row.remove();
      else row.querySelectorAll("input, select").forEach((field) => { field.value = ""; });
      (body.querySelector("input") || add).focus();
    });
  };
  [...body.rows].forEach(wire);
  add.hidden = false;
  add.addEventListener("click", () => {
    const row = body.rows[body.rows.length - 1].cloneNode(true);
    row.classList.remove("sm-wrong");
    row.querySelectorAll(".errorlist").forEach((said) => said.remove());
    row.querySelectorAll("input, select").forEach((field) => {
      field.value = "";
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    });
    row.querySelector("input").id = `${map.id}_${Date.now()}`;
    body.append(row);
    wire(row);
    row.querySelector("input").focus();
  });
}

function folders(map) {
  const list = map.querySelector("datalist");
  let last = 0;
  let timer = 0;
  const ask = async (text) => {
    const turn = (last += 1);
    const url = new URL(map.dataset.folders, window.location.href);
    url.searchParams.set("q", text);
    if (tree) url.searchParams.set("tree", tree);
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" } });
      if (!answer.ok || turn !== last) return;
      const found = await answer.json();
      list.replaceChildren(...found.folders.map((folder) => new Option("", folder)));
    } catch {
      // what stands there already is offered still
    }
  };
  map.addEventListener("input", (event) => {
    if (!event.target.matches("input[list]")) return;
    clearTimeout(timer);
    timer = setTimeout(() => ask(event.target.value), 200);
  });
  map.addEventListener("focusin", (event) => {
    if (event.target.matches("input[list]") && !event.target.value) ask("");
  });
}

check();
for (const map of document.querySelectorAll(".sm-map")) {
  rows(map);
  if (map.dataset.folders) folders(map);
}
