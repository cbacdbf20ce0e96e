// The attention explorer: a sentence, the token that looks, and where it looks.
//
// `model` holds the numbers (`data`) and the choices (layer, head, token, divisor, mask, real). In a notebook it is
// anywidget's, on a page the stand-in at the end. Nothing is fetched, no kernel is asked, and no text of the data is
// ever read as HTML.

const MASKS = { none: "none", causal: "causal", padding: "padding" };
const LARGEST = 4; // weights that are told
const WORTH = 0.0005; // less would be written as 0.000
const SLIDER = 6; // the divisor goes from 2^0 to 2^6
const SVG = new Range().createContextualFragment("<svg></svg>").firstChild.namespaceURI;
let made = 0; // explorers on this page, for names that must differ

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function draw(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// Numbers and words

function spell(value, digits = 3) {
  return Number.isFinite(value) ? value.toFixed(digits).replace("-", "−") : "NaN";
}

function short(value) {
  return String(Number(value.toFixed(2)));
}

function namesOf(tokens) {
  return tokens.map((token, at) => {
    const twice = tokens.indexOf(token) !== tokens.lastIndexOf(token);
    return twice ? `${token} (position ${at})` : token;
  });
}

function divisorName(divisor, d_k) {
  const known = { none: 1, "√d_k": Math.sqrt(d_k), d_k };
  return Object.keys(known).find((name) => Math.abs(known[name] / divisor - 1) < 1e-3);
}

// The weights: the same arithmetic as explorer_subject.py

function decoded(text) {
  return new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

function opened(data) {
  const layers = data.layers.map(({ name, kind, arrays }) => {
    const coded = Object.entries(arrays).map(([mask, text]) => [mask, decoded(text)]);
    return { name, kind, arrays: Object.fromEntries(coded) };
  });
  return { ...data, layers, names: namesOf(data.tokens) };
}

function permitted(view, n) {
  const until = view.mask === "causal" ? view.token + 1 : view.mask === "padding" ? view.real : n;
  return Array.from({ length: n }, (_, at) => at < until);
}

function rowOf(data, view) {
  const n = data.tokens.length;
  const layer = data.layers.find(({ name }) => name === view.layer);
  const part = (mask) => Array.from(layer.arrays[mask].slice((view.head * n + view.token) * n).slice(0, n));
  const all = permitted({ mask: "none" }, n);
  if (layer.kind === "answers") return { kind: layer.kind, weights: part(view.mask), may: permitted(view, n) };
  if (layer.kind === "weights") return { kind: layer.kind, weights: part("none"), may: all };
  const may = permitted(view, n);
  const scores = part("none").map((score) => score / view.divisor);
  const largest = Math.max(...scores.filter((_, at) => may[at]));
  const raised = scores.map((score, at) => (may[at] ? Math.exp(score - largest) : 0));
  const total = raised.reduce((sum, value) => sum + value, 0);
  return { kind: layer.kind, weights: raised.map((value) => value / total), may, scores };
}

function largestOf(weights) {
  const order = weights.map((_, at) => at).filter((at) => weights[at] >= WORTH);
  return order.sort((one, other) => weights[other] - weights[one]).slice(0, LARGEST);
}

function remarks(data, view, row) {
  const said = [];
  const changed = view.mask !== "none" || divisorName(view.divisor, data.d_k) !== "√d_k";
  const choosable = data.controls.includes("scale") || data.controls.includes("mask");
  if (data.source === "model" && row.kind === "weights" && (choosable || changed)) {
    const rich = data.layers.filter(({ kind }) => kind === "scores").map(({ name }) => name);
    said.push(
      `Scale and mask can be changed in the layers ${rich.join(" and ")}, whose projections come with the course. ` +
        `Of layer ${view.layer} you see the weights that the model itself computed.`
    );
  } else if (view.mask === "causal") said.push("Causal: a token may look at itself and at what stands before it.");
  else if (view.mask === "padding") {
    const padded = data.tokens.length - view.real;
    if (padded === 0) said.push("No token counts as padding.");
    else if (padded === 1) said.push("The last token counts as padding: nobody may look at it.");
    else said.push(`The last ${padded} tokens count as padding: nobody may look at them.`);
  }
  if (data.source === "function") said.push(`The weights are what ${data.function} returned.`);
  const sum = row.weights.reduce((total, weight) => total + weight, 0);
  const negative = row.weights.filter((weight) => weight < 0).length;
  if (!Number.isFinite(sum)) said.push("Some of these weights are no finite numbers.");
  else if (Math.abs(sum - 1) > 2e-3) said.push(`These weights sum to ${spell(sum)}, not to 1; they are shown as they are.`);
  if (negative) said.push(`${negative} of them ${negative === 1 ? "is" : "are"} negative.`);
  return said;
}

function entropy(weights) {
  return weights.reduce((sum, weight) => (weight > 0 ? sum - weight * Math.log(weight) : sum), 0);
}

// Controls

function labelled(text, control) {
  return make("label", { class: "ae-control" }, make("span", { class: "ae-label" }, text), control);
}

function selection(text, options, choose) {
  const select = make("select", {}, ...options.map(([value, name]) => make("option", { value }, name)));
  select.addEventListener("change", () => choose(Number(select.value)));
  return { element: labelled(text, select), select };
}

function pills(text, options, choose) {
  const name = `ae-${made}-${text}`;
  const inputs = {};
  const group = make("fieldset", { class: "ae-control" }, make("legend", { class: "ae-label" }, text));
  const row = make("div", { class: "ae-pills" });
  for (const [value, shown, said] of options) {
    const input = make("input", { type: "radio", name, value, "aria-label": said });
    input.addEventListener("change", () => choose(value));
    inputs[value] = input;
    row.append(make("label", {}, input, make("span", { "aria-hidden": "true" }, ...shown)));
  }
  group.append(row);
  return { element: group, row, inputs };
}

function slider(text, range, choose) {
  const input = make("input", { type: "range", "aria-label": text, ...range });
  const output = make("span", { class: "ae-value", "aria-hidden": "true" });
  input.addEventListener("input", () => choose(Number(input.value)));
  return { element: make("span", { class: "ae-slider" }, input, output), input, output };
}

function controlsOf(data, choose) {
  const { controls, d_k } = data;
  const shown = {};
  const box = make("div", { class: "ae-controls" });
  if (controls.includes("layer")) {
    const options = data.layers.map(({ name }) => [name, String(name)]);
    shown.layer = selection("Layer", options, (layer) => choose({ layer }));
    box.append(shown.layer.element);
  }
  if (controls.includes("head")) {
    const options = Array.from({ length: data.heads }, (_, head) => [head, String(head)]);
    shown.head = selection("Head", options, (head) => choose({ head }));
    box.append(shown.head.element);
  }
  if (controls.includes("scale")) {
    const sub = () => ["d", make("sub", {}, "k")];
    const root = Math.sqrt(d_k);
    const options = [
      [1, ["none"], "none, the scores as they are"],
      [root, ["√", ...sub()], `square root of d_k, divide by ${short(root)}`],
      [d_k, sub(), `d_k, divide by ${d_k}`],
    ];
    shown.scale = pills("Scale", options, (divisor) => choose({ divisor }));
    shown.divisor = slider("Divisor of the scores", { min: 0, max: SLIDER, step: 0.05 }, (power) => {
      const root2 = Math.abs(power - Math.log2(root)) < 0.02;
      choose({ divisor: root2 ? root : 2 ** power });
    });
    shown.scale.row.append(shown.divisor.element);
    box.append(shown.scale.element);
  }
  if (controls.includes("mask")) {
    const options = Object.keys(MASKS).map((mask) => [mask, [MASKS[mask]], MASKS[mask]]);
    shown.mask = pills("Mask", options, (mask) => choose({ mask }));
    const range = { min: 1, max: data.tokens.length, step: 1 };
    shown.real = slider("Tokens that are real", range, (real) => choose({ real }));
    shown.mask.row.append(shown.real.element);
    box.append(shown.mask.element);
  }
  return { box, shown };
}

function refresh({ shown }, data, view, row) {
  const fixed = row.kind === "weights";
  if (shown.layer) shown.layer.select.value = view.layer;
  if (shown.head) shown.head.select.value = view.head;
  if (shown.scale) {
    const name = divisorName(view.divisor, data.d_k);
    shown.scale.element.disabled = fixed || row.kind === "answers";
    Object.values(shown.scale.inputs).forEach((input) => {
      input.checked = Math.abs(Number(input.value) / view.divisor - 1) < 1e-3;
    });
    shown.divisor.input.value = Math.log2(view.divisor);
    shown.divisor.output.textContent = `÷ ${short(view.divisor)}`;
    const said = name ? `${name}, ${short(view.divisor)}` : short(view.divisor);
    shown.divisor.input.setAttribute("aria-valuetext", `divide by ${said}`);
  }
  if (shown.mask) {
    shown.mask.element.disabled = fixed;
    shown.mask.inputs[view.mask].checked = true;
    shown.real.element.hidden = view.mask !== "padding" || row.kind === "answers";
    shown.real.input.value = view.real;
    shown.real.output.textContent = `${view.real} of ${data.tokens.length} real`;
    shown.real.input.setAttribute("aria-valuetext", `${view.real} of ${data.tokens.length}`);
  }
}

// The sentence

function cellsOf(data) {
  return data.tokens.map((token, at) => {
    const button = make("button", { type: "button", role: "radio", class: "ae-token", "aria-label": data.names[at] });
    button.append(token);
    const number = make("span", { class: "ae-number" });
    const track = make("span", { class: "ae-track", "aria-hidden": "true" }, make("span", { class: "ae-fill" }), number);
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
    const path = draw("path", {
      d: `M ${point(start - lean / 4, 2)} C ${point(start - lean, lift)} ${point(end + lean, lift)} ${point(end + lean / 4, 2)}`,
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
  const parts = found.map((at) => make("span", { class: "ae-target" }, `${data.names[at]} `, make("b", {}, spell(row.weights[at]))));
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

const CHOICES = ["layer", "head", "token", "divisor", "mask", "real"];

function render({ model, el }) {
  made += 1;
  const data = opened(model.get("data"));
  const chosen = () => Object.fromEntries(CHOICES.map((name) => [name, model.get(name)]));
  const first = chosen();
  let pointed = null; // the token under the mouse
  let waiting = null;

  const choose = (choices) => {
    for (const [name, value] of Object.entries(choices)) model.set(name, value);
    model.save_changes();
  };
  const said = make("p", { class: "ae-said", "aria-hidden": "true" });
  const svg = draw("svg", { class: "ae-links", "aria-hidden": "true" });
  const cells = cellsOf(data);
  const sentence = make("div", { class: "ae-tokens", role: "radiogroup", "aria-label": "Which token looks?" });
  sentence.append(...cells.map(({ cell }) => cell));
  const stage = make("div", { class: "ae-stage" }, svg, sentence);
  const controls = controlsOf(data, choose);
  const note = make("p", { class: "ae-note" });
  const reset = make("button", { type: "button", class: "ae-reset" }, "As at first");
  reset.addEventListener("click", () => {
    choose(first);
    cells[first.token].button.focus(); // the button is about to vanish
  });
  const table = make("table");
  const details = make("details", {}, make("summary", {}, "All numbers as a table"), make("div", { class: "ae-scroll" }, table));
  const live = make("div", { class: "ae-live", role: "status", "aria-live": "polite", "aria-atomic": "true" });
  const root = make("div", { class: "attention-explorer", role: "group" });
  root.setAttribute("aria-label", `Where each token looks: ${data.text}`);
  root.append(said, stage, controls.box, make("div", { class: "ae-foot" }, note, reset), details, live);
  root.querySelectorAll("button, input, select, summary").forEach((reached) => {
    reached.setAttribute("data-lm-suppress-shortcuts", "true"); // else x cuts the cell, in JupyterLab
  });
  el.replaceChildren(root);

  const tall = () => root.classList.contains("ae-tall");
  const update = () => {
    const view = chosen();
    const looks = { ...view, token: pointed ?? view.token };
    const row = rowOf(data, looks);
    const words = tell(said, data, looks, row);
    mark(cells, data, looks, row, view.token);
    link(cells, svg, row, looks.token, tall());
    refresh(controls, data, view, row);
    reset.hidden = CHOICES.every((name) => name === "token" || view[name] === first[name]);
    const told = remarks(data, looks, row);
    if (data.controls.includes("scale")) told.unshift(`Entropy of this row: ${spell(entropy(row.weights))} nats.`);
    note.textContent = told.join(" ");
    fillTable(table, data, looks, row);
    if (pointed === null) {
      clearTimeout(waiting);
      waiting = setTimeout(() => (live.textContent = words), live.textContent ? 150 : 0);
    }
  };
  const arrange = () => {
    const overflows = () => sentence.scrollWidth > sentence.clientWidth + 1;
    root.classList.remove("ae-snug", "ae-tall");
    if (overflows()) root.classList.add("ae-snug");
    if (overflows()) root.classList.replace("ae-snug", "ae-tall");
    update();
  };
  const point = (at) => {
    if (at === pointed) return;
    pointed = at;
    update();
  };

  cells.forEach(({ cell, button }, at) => {
    button.addEventListener("click", () => {
      pointed = null;
      choose({ token: at });
    });
    cell.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && point(at));
  });
  sentence.addEventListener("pointerleave", () => point(null));
  sentence.addEventListener("keydown", (event) => {
    const at = step(event.key, data.tokens, model.get("token"));
    if (at === null || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    pointed = null;
    choose({ token: at });
    cells[at].button.focus();
  });

  CHOICES.forEach((name) => model.on(`change:${name}`, update));
  let width = 0;
  const observer = new ResizeObserver(() => {
    if (stage.clientWidth === width) return;
    width = stage.clientWidth;
    arrange();
  });
  observer.observe(stage);
  arrange();
  return () => {
    observer.disconnect();
    clearTimeout(waiting);
    CHOICES.forEach((name) => model.off(`change:${name}`, update));
  };
}

// A page without a kernel: what stands in for the model, and for the still figure

function standIn(state) {
  const listeners = {};
  return {
    get: (name) => state[name],
    set: (name, value) => {
      state[name] = value;
      (listeners[`change:${name}`] ?? []).forEach((listener) => listener());
    },
    save_changes: () => {},
    on: (event, listener) => (listeners[event] ??= []).push(listener),
    off: (event, listener) => {
      listeners[event] = (listeners[event] ?? []).filter((other) => other !== listener);
    },
  };
}

function onPage() {
  document.querySelectorAll(".attention-explorer-page:not([data-live])").forEach((el) => {
    el.setAttribute("data-live", "");
    const state = JSON.parse(el.querySelector("script").textContent);
    render({ model: standIn(state), el });
  });
}

export default { render, onPage };
