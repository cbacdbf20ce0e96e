// The sentence of the explorer: tokens to choose from, links above them, bars below, and the same in words.

const SVG = new Range().createContextualFragment("<svg></svg>").firstChild.namespaceURI;

function draw(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function cellsOf(data) {
  return data.tokens.map((token, at) => {
    const button = make("button", { type: "button", role: "radio", class: "ae-token", "aria-label": data.names[at] });
    button.append(token);
    const number = make("span", { class: "ae-number" });
    const track = make("span", { class: "ae-track", "aria-hidden": "true" });
    track.append(make("span", { class: "ae-fill" }), number);
    return { cell: make("div", { class: "ae-cell" }, button, track), button, number };
  });
}

function mark(cells, data, view, row, chosen) {
  const most = largestOf(row.weights)[0];
  cells.forEach(({ cell, button, number }, at) => {
    const weight = row.weights[at];
    cell.style.setProperty("--share", Math.min(Math.max(weight, 0), 1) || 0);
    cell.classList.toggle("ae-looks", at === view.token);
    cell.classList.toggle("ae-most", at === most);
    cell.classList.toggle("ae-hidden", !row.may[at]);
    cell.classList.toggle("ae-small", Math.abs(weight) < 0.01);
    button.setAttribute("aria-checked", at === chosen);
    button.tabIndex = at === chosen ? 0 : -1;
    number.textContent = row.may[at] ? spell(weight) : "–";
  });
}

function link(cells, svg, row, from, tall) {
  const place = ({ button: { offsetLeft, offsetTop, offsetWidth, offsetHeight } }) =>
    tall ? offsetTop + offsetHeight / 2 : offsetLeft + offsetWidth / 2;
  const deep = tall ? svg.clientWidth : svg.clientHeight;
  const places = cells.map(place);
  const far = Math.max(...places.map((other) => Math.abs(other - places[from])), 1);
  const point = (along, away) => (tall ? `${deep - away} ${along}` : `${along} ${deep - away}`);
  const parts = [];
  row.weights.forEach((weight, to) => {
    const share = Math.min(Math.max(weight, 0), 1);
    if (!(share > 0.001)) return;
    const start = places[from];
    const end = places[to];
    const away = to === from ? 0.2 : Math.sqrt(Math.abs(end - start) / far);
    const lift = (20 + (deep - 28) * away) * 1.25; // a cubic reaches three quarters of its handles
    const lean = to === from ? 34 : 0;
    const id = `ae-${made}-${from}-${to}-${(made += 1)}`;
    const ends = tall ? { x1: 0, x2: 0, y1: start, y2: end } : { x1: start, x2: end, y1: 0, y2: 0 };
    const gradient = draw("linearGradient", { id, gradientUnits: "userSpaceOnUse", ...ends });
    gradient.append(draw("stop", { offset: 0.05, class: "ae-from" }), draw("stop", { offset: 0.6, class: "ae-to" }));
    const stroke = to === from ? { class: "ae-self" } : { stroke: `url(#${id})` };
    const handles = `${point(start - lean, lift)} ${point(end + lean, lift)}`;
    const path = draw("path", {
      d: `M ${point(start - lean / 4, 2)} C ${handles} ${point(end + lean / 4, 2)}`,
      "stroke-width": 0.6 + 12 * share,
      opacity: 0.35 + 0.6 * share,
      ...stroke,
    });
    parts.push([share, gradient, path]);
  });
  parts.sort(([one], [other]) => one - other);
  svg.replaceChildren(...parts.flatMap(([, gradient, path]) => [gradient, path]));
}

function tell(said, data, view, row) {
  const found = largestOf(row.weights);
  const parts = found.map((at) => {
    const share = make("b", {}, spell(row.weights[at]));
    return make("span", { class: "ae-target" }, `${data.names[at]} `, share);
  });
  if (!parts.length) parts.push("nothing: no weight is above zero");
  const name = make("span", { class: "ae-who" }, data.names[view.token]);
  said.replaceChildren(name, " looks at ", ...parts);
  const listed = found.map((at) => `${data.names[at]} ${spell(row.weights[at])}`).join(", ");
  return `${data.names[view.token]} looks at ${listed || "nothing"}`;
}

function fillTable(table, data, view, row) {
  const scored = row.scores && data.controls.includes("scale");
  const heads = ["position", "token", ...(scored ? [`score ÷ ${short(view.divisor)}`] : []), "weight"];
  const caption = make("caption", {}, `Where “${data.names[view.token]}” looks`);
  const first = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const rows = data.tokens.map((token, at) => {
    const weight = row.may[at] ? spell(row.weights[at]) : "not permitted";
    const cells = [...(scored ? [spell(row.scores[at])] : []), weight].map((text) => make("td", {}, text));
    return make("tr", {}, make("td", {}, String(at)), make("th", { scope: "row" }, token), ...cells);
  });
  table.replaceChildren(caption, make("thead", {}, first), make("tbody", {}, ...rows));
}

// Where a key leads: an arrow, Home, End, or a letter that a token begins with

function step(key, tokens, at) {
  const n = tokens.length;
  if (key === "ArrowRight" || key === "ArrowDown") return (at + 1) % n;
  if (key === "ArrowLeft" || key === "ArrowUp") return (at + n - 1) % n;
  if (key === "Home") return 0;
  if (key === "End") return n - 1;
  if (key.length !== 1 || key === " ") return null;
  const order = tokens.map((_, away) => (at + 1 + away) % n);
  return order.find((other) => tokens[other].toLowerCase().startsWith(key.toLowerCase())) ?? null;
}
