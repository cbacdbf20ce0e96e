// The attention explorer: a sentence, the token that looks, and where it looks.
//
// `model` holds the numbers (`data`) and the choices (layer, head, token, divisor, mask, real). In a notebook it is
// anywidget's, on a page the stand-in at the end. Nothing is fetched, no kernel is asked, and no text of the data is
// ever read as HTML. explorer.py puts this file behind explorer_weights.js, explorer_controls.js and
// explorer_sentence.js into one module, so nothing is imported.

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
  const details = make("details", {}, make("summary", {}, "All numbers as a table"));
  details.append(make("div", { class: "ae-scroll" }, table));
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
