// The shop's one page: HTML and CSS in one answer, forms in place of scripts.

/** Item to name and price in cents. */
export const catalogue = new Map([
  ["espresso", { name: "Espresso cup", cents: 1200 }],
  ["teapot", { name: "Teapot", cents: 4900 }],
  ["honey", { name: "Jar of honey", cents: 850 }],
  ["bread", { name: "Sourdough bread", cents: 620 }],
]);

const STYLE = `
  :root { color-scheme: light dark; --line: #8884; --accent: #b3541e; }
  body { font: 17px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2.5rem auto; padding: 0 1.25rem; }
  h1 { font-size: 1.7rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
  .served { border: 1px solid var(--line); border-left: .4rem solid var(--accent); border-radius: .4rem; padding: .8rem 1rem; margin: 1.25rem 0; }
  .served p { margin: .2rem 0; } code { background: #8882; border-radius: .25rem; padding: .1rem .35rem; }
  table { width: 100%; border-collapse: collapse; } td, th { text-align: left; padding: .45rem .25rem; border-bottom: 1px solid var(--line); }
  .number { text-align: right; font-variant-numeric: tabular-nums; } form { display: inline; }
  button { font: inherit; padding: .15rem .8rem; border: 1px solid var(--line); border-radius: .35rem; background: #8881; cursor: pointer; }
  button:hover, button:focus-visible { border-color: var(--accent); } .quiet { opacity: .75; }`;

export function page({ contextPath, worker, pid, basket, changedBy }) {
  const lines = [...catalogue].filter(([id]) => basket[id] > 0);
  const total = lines.reduce((sum, [id, item]) => sum + item.cents * basket[id], 0);
  const button = (action, label, id, describe) =>
    `<form method="post" action="${escapeHtml(contextPath)}/basket"><input type="hidden" name="item" value="${id}">` +
    `<button name="action" value="${action}" aria-label="${describe}">${label}</button></form>`;
  const offers = [...catalogue].map(
    ([id, item]) =>
      `<tr><td>${item.name}</td><td class="number">${price(item.cents)}</td>` +
      `<td class="number">${button("add", "Add", id, `Add ${item.name}`)}</td></tr>`,
  );
  const rows = lines.map(
    ([id, item]) =>
      `<tr data-item="${id}"><td>${item.name}</td><td class="number" data-quantity>${basket[id]}</td>` +
      `<td class="number">${price(item.cents * basket[id])}</td>` +
      `<td class="number">${button("remove", "−", id, `Remove one ${item.name}`)} ${button("add", "+", id, `Add one ${item.name}`)}</td></tr>`,
  );
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Shop</title><style>${STYLE}
</style></head>
<body>
<h1>The shop that forgets nothing</h1>
<p class="quiet">Your basket is kept in the memory of every worker. Kill one, and go on.</p>
<div class="served">
  <p>This page was made by <strong id="worker">${escapeHtml(worker)}</strong>, process <strong id="pid">${pid}</strong>.</p>
  ${changedBy === undefined || changedBy === null ? "" : `<p>Your basket was last changed by <strong id="changed-by">${escapeHtml(changedBy)}</strong>.</p>`}
  <p>Put something into the basket, run <code>kill -9 ${pid}</code>, and reload.</p>
</div>
<h2>On offer</h2>
<table>${offers.join("\n")}</table>
<h2>Your basket</h2>
${
  rows.length === 0
    ? '<p id="empty">It is empty.</p>'
    : `<table id="basket"><tr><th>Item</th><th class="number">Quantity</th><th class="number">Price</th><th></th></tr>
${rows.join("\n")}
<tr><th>Total</th><td></td><th class="number" id="total">${price(total)}</th><td class="number">${button("empty", "Empty", "", "Empty the basket")}</td></tr>
</table>`
}
</body>
</html>
`;
}

function price(cents) {
  return `€\u00a0${(cents / 100).toFixed(2)}`;
}

function escapeHtml(text) {
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text).replace(/[&<>"']/g, (character) => entities[character]);
}
