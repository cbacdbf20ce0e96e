// The numbers of the explorer, in the arithmetic of explorer_subject.py, and what is said about them.

const LARGEST = 4; // weights that are told
const WORTH = 0.0005; // less would be written as 0.000

function spell(value, digits = 3) {
  const text = Number.isFinite(value) ? value.toFixed(digits) : String(value).replace("Infinity", "∞");
  return text.replace("-", "−");
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
  } else if (view.mask === "causal") said.push("Causal: no token may look at a later one.");
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
  else if (Math.abs(sum - 1) > 2e-3) {
    said.push(`These weights sum to ${spell(sum)}, not to 1; they are shown as they are.`);
  }
  if (negative) said.push(`${negative} of them ${negative === 1 ? "is" : "are"} negative.`);
  return said;
}

function entropy(weights) {
  return weights.reduce((sum, weight) => (weight > 0 ? sum - weight * Math.log(weight) : sum), 0);
}
