// The index is whole without this: here it becomes sortable and searchable. Nothing is fetched.
"use strict";
const table = document.querySelector("table.reports");
const rows = [...table.tBodies[0].rows];

const field = document.createElement("p");
field.className = "search";
field.innerHTML = '<label>Search <input type="search"></label> <span role="status"></span>';
table.parentElement.before(field);
const input = field.querySelector("input");
input.addEventListener("input", () => {
  const words = input.value.toLowerCase().split(/\s+/);
  for (const row of rows)
    row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word));
  const left = rows.filter(row => !row.hidden).length;
  field.querySelector("span").textContent = input.value ? `${left} of ${rows.length} reports` : "";
});

function key(row, column) {
  const cell = row.cells[column];
  return "value" in cell.dataset ? Number(cell.dataset.value || -Infinity) : cell.textContent.trim();
}

const heads = [...table.tHead.rows[0].cells];
for (const [column, head] of heads.entries()) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
    const order = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b, "en", {numeric: true});
    rows.sort((a, b) => way * order(key(a, column), key(b, column)));
    table.tBodies[0].append(...rows);
  });
}
