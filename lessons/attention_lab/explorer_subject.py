"""What the explorer shows: tokens, and for each layer the scores or the weights of its heads.

A view is what is chosen of it (layer, head, mask, …). `weights_in` is the arithmetic that explorer.js does again in
the browser, so that choosing needs no kernel.
"""

import base64
import inspect
from dataclasses import dataclass

import numpy as np

from attention_lab.plots.arguments import as_numbers, as_tokens
from attention_lab.sentences import Sentence, load_attention, load_attention_layer

MASKS = ("none", "causal", "padding")
SCORES, WEIGHTS, ANSWERS = "scores", "weights", "answers"  # q·k; weights as they are; a function's, for each mask
PROJECTED = (0, 3)  # the layers whose projections come with the course
D_K = 32


@dataclass(frozen=True, eq=False)
class Layer:
    """The heads of one layer. arrays: {mask: (heads, n, n)}; scores and weights have "none" alone."""

    name: int
    kind: str
    arrays: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Subject:
    """Tokens and layers. source: "model", "weights" (somebody's own) or "function" (that of this name)."""

    source: str
    tokens: tuple[str, ...]
    text: str
    layers: tuple[Layer, ...]
    function: str = ""

    @property
    def num_heads(self) -> int:
        return len(self.layers[0].arrays["none"])

    def layer(self, name: int) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    def as_json(self) -> dict:
        """Plain values for the browser; arrays as little-endian float32 in base64."""
        layers = [
            {"name": layer.name, "kind": layer.kind, "arrays": {mask: _coded(a) for mask, a in layer.arrays.items()}}
            for layer in self.layers
        ]
        facts = {"source": self.source, "function": self.function, "text": self.text, "tokens": list(self.tokens)}
        return {**facts, "heads": self.num_heads, "d_k": D_K, "layers": layers}


@dataclass(frozen=True)
class View:
    """What is chosen: `token` looks, scores are divided by `divisor`, and as "padding" count all after `real`."""

    layer: int
    head: int
    token: int
    divisor: float
    mask: str
    real: int


def weights_in(subject: Subject, view: View) -> np.ndarray:
    """The weights (n, n) that are shown: rows look, columns are looked at."""
    layer = subject.layer(view.layer)
    if layer.kind != SCORES:
        return layer.arrays[view.mask if layer.kind == ANSWERS else "none"][view.head]
    scores = layer.arrays["none"][view.head] / view.divisor
    scores = np.where(permitted(view.mask, len(scores), view.real), scores, -np.inf)
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def permitted(mask: str, length: int, real: int) -> np.ndarray:
    """(length, length) of booleans: True where the row may look at the column. Nobody is left without a key."""
    if mask == "causal":
        return np.tri(length, dtype=bool)
    return np.broadcast_to(np.arange(length) < (real if mask == "padding" else length), (length, length)).copy()


def real_tokens(length: int) -> int:
    """How many tokens are real, when the last fifth, one at least, counts as padding."""
    return max(1, length - max(1, length // 5))


def of_model(sentence: Sentence) -> Subject:
    """The real model: scores where the course has the projections, else the weights that the model computed."""
    layers = []
    for at, weights in enumerate(load_attention(sentence.name)):
        if at in PROJECTED:
            query, key, _ = _projected(sentence, at)
            layers.append(Layer(at, SCORES, {"none": query @ key.swapaxes(-1, -2)}))
        else:
            layers.append(Layer(at, WEIGHTS, {"none": weights}))
    return Subject("model", sentence.tokens, sentence.text, tuple(layers))


def of_weights(tokens, weights, text: str = "") -> Subject:
    """Somebody's own weights, (n, n) or (heads, n, n), as they are: no row needs to sum to one."""
    weights = as_numbers("weights", weights)
    if weights.ndim not in (2, 3) or weights.shape[-1] != weights.shape[-2]:
        hint = ", for instance weights[0]" if weights.ndim > 3 else ""
        raise ValueError(f"weights has shape {weights.shape}: give (n, n), or (heads, n, n) for several heads{hint}")
    tokens = tuple(as_tokens(tokens, weights.shape[-1], "weights", weights.shape))
    heads = weights if weights.ndim == 3 else weights[None]
    return Subject("weights", tokens, text or " ".join(tokens), (Layer(0, WEIGHTS, {"none": heads}),))


def of_function(sentence: Sentence, attention) -> Subject:
    """What `attention(query, key, value[, mask]) → (output, weights)` makes of the model's real heads."""
    if not callable(attention):
        raise ValueError(f"attention is {type(attention).__name__}, not a function of query, key and value")
    name = getattr(attention, "__name__", "attention")
    n = len(sentence.tokens)
    masks = {"none": None}
    if _takes_a_mask(attention):
        masks |= {mask: permitted(mask, n, real_tokens(n)) for mask in MASKS[1:]}
    layers = []
    for at in PROJECTED:
        heads = list(zip(*_projected(sentence, at), strict=True))
        arrays = {mask: [_called(attention, name, head, may) for head in heads] for mask, may in masks.items()}
        layers.append(Layer(at, ANSWERS, {mask: np.stack(found) for mask, found in arrays.items()}))
    return Subject("function", sentence.tokens, sentence.text, tuple(layers), name)


def _called(attention, name, head, mask):
    """The weights (n, n) for one head, from copies that the function may spoil."""
    query, key, value = (array.copy() for array in head)
    answer = attention(query, key, value) if mask is None else attention(query, key, value, mask.copy())
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise ValueError(f"{name} returned {type(answer).__name__}: return a pair, (output, weights)")
    weights = as_numbers(f"what {name} returned as weights", answer[1])
    if weights.shape != (n := len(query), n):
        swapped = ". Is the pair swapped? It is (output, weights)" if np.shape(answer[0]) == (n, n) else ""
        raise ValueError(f"{name} returned weights of shape {weights.shape}, for {n} tokens ({n}, {n}){swapped}")
    return weights


def _takes_a_mask(attention) -> bool:
    try:
        parameters = inspect.signature(attention).parameters.values()
    except (TypeError, ValueError):  # built in, without a signature
        return False
    places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return len(places) > 3


def _projected(sentence, layer):
    """Queries, keys and values of all heads of a layer, each (12, n, 32)."""
    part, x = load_attention_layer(layer), sentence.hidden[layer]
    pairs = (part.w_q, part.b_q), (part.w_k, part.b_k), (part.w_v, part.b_v)
    return [(x @ weight + bias).reshape(len(x), -1, D_K).swapaxes(0, 1) for weight, bias in pairs]


def _coded(array) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f4").tobytes()).decode()
