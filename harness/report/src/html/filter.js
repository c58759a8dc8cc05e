"use strict";
(() => {
  const form = document.querySelector(".filter");
  const rows = [...document.querySelectorAll(".list tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const search = form.querySelector("[type=search]");
  const boxes = [...form.querySelectorAll("[type=checkbox]")];
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    const shown = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let count = 0;
    rows.forEach((row, i) => {
      const fits = shown.has(row.dataset.v) && words.every((word) => texts[i].includes(word));
      row.hidden = !fits;
      count += fits;
    });
    form.querySelector("output").textContent = count + " of " + rows.length;
    document.querySelector(".none").hidden = count > 0;
  };
  // A link from a grid must find its row, whatever the filter hides.
  const reveal = () => {
    const row = location.hash.startsWith("#c") && document.getElementById(location.hash.slice(1));
    if (row && row.hidden) {
      search.value = "";
      boxes.forEach((box) => { box.checked = true; });
      apply();
      row.scrollIntoView();
    }
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", reveal);
  form.hidden = false;
  apply();
})();
