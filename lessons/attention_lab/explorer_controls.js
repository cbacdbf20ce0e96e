// The controls of the explorer: layer, head, scale and mask. Native elements, each with a name.

const MASKS = ["none", "causal", "padding"];
const SLIDER = 6; // the divisor goes from 2^0 to 2^6
let made = 0; // explorers and links on this page, for names that must differ

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

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
    const options = MASKS.map((mask) => [mask, [mask], mask]);
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
