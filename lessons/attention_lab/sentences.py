"""Real sentences and real attention weights, read from `data/` (all-MiniLM-L6-v2; see data/README.md).

All arrays are float64 and read-only, because everybody who loads them shares one copy: call `.copy()`
on an array to change it. They were stored in float32, the model's own precision.
"""

import json
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
PLACES = (HERE, HERE.parent, HERE.parents[1])  # in an installed package; in what a class was handed; in a checkout
DATA = next((path / "data" for path in PLACES if (path / "data" / "index.json").is_file()), PLACES[-1] / "data")


@dataclass(frozen=True, eq=False)
class Sentence:
    """A sentence as the model sees it.

    tokens (n,): the model's pieces, `[CLS]` first and `[SEP]` last; hidden (7, n, 384): the vectors before
    each of the six layers, `hidden[3]` is what layer 3 works on, and after the last.
    """

    name: str
    text: str
    tokens: tuple[str, ...]
    hidden: np.ndarray = field(repr=False)

    def index(self, token: str) -> int:
        """The position of a token, of the first one where it comes more than once."""
        if token not in self.tokens:
            tokens = _listed(self.tokens)
            raise ValueError(f"There is no token {token!r} in {self.name!r}. Its tokens are: {tokens}.")
        return self.tokens.index(token)


@dataclass(frozen=True, eq=False, repr=False)
class Head:
    """The projections of one head: weights (384, 32), used as `x @ w`, and biases (32,)."""

    w_q: np.ndarray
    b_q: np.ndarray
    w_k: np.ndarray
    b_k: np.ndarray
    w_v: np.ndarray
    b_v: np.ndarray

    def __repr__(self) -> str:
        return _shapes(self)


@dataclass(frozen=True, eq=False, repr=False)
class AttentionLayer:
    """The four projections of a layer: weights (384, 384), used as `x @ w`, and biases (384,).

    The columns 32·h to 32·h + 31 of `w_q`, `w_k` and `w_v` belong to head h. `norm_weight` and `norm_bias` (384,)
    are those of the layer normalisation (ε = 1e-12) of the sum of input and attention.
    """

    w_q: np.ndarray
    b_q: np.ndarray
    w_k: np.ndarray
    b_k: np.ndarray
    w_v: np.ndarray
    b_v: np.ndarray
    w_o: np.ndarray
    b_o: np.ndarray
    norm_weight: np.ndarray
    norm_bias: np.ndarray

    def __repr__(self) -> str:
        return _shapes(self)


def sentence_names() -> tuple[str, ...]:
    """The names that `load_sentence` knows."""
    return tuple(entry["name"] for entry in _index()["sentences"])


def load_sentence(name: str) -> Sentence:
    """The sentence of that name, with its tokens and its vectors. Its arrays are read-only."""
    if name not in sentence_names():
        raise ValueError(f"There is no sentence {name!r}. The sentences are: {_listed(sentence_names())}.")
    return _sentence(name)


def load_attention(name: str) -> np.ndarray:
    """The attention weights that the model itself computes for a sentence.

    → (6, 12, n, n): layer, head, and then rows look, columns are looked at. Read-only.
    """
    load_sentence(name)  # tells an unknown name
    return _attention(name)


def load_after_attention(name: str, layer: int) -> np.ndarray:
    """The model's own vectors of a sentence between the attention and the feed-forward part of a layer.

    → (n, 384): LayerNorm(x + attention(x)), where x is `hidden[layer]`. Read-only.
    """
    load_sentence(name)  # tells an unknown name
    return _after_attention(name)[_stored_layers(layer).index(layer)]


def load_attention_layer(layer: int) -> AttentionLayer:
    """The attention weights of a layer, counted from 0. Its arrays are read-only."""
    _stored_layers(layer)
    return _attention_layer(layer)


def load_head(layer: int, head: int) -> Head:
    """The projections of one head, both counted from 0. Its arrays are read-only."""
    full = load_attention_layer(layer)
    num_heads, d_head = _index()["num_heads"], _index()["d_head"]
    if head not in range(num_heads):
        raise ValueError(f"There is no head {head!r}. The heads of a layer are 0 to {num_heads - 1}.")
    columns = slice(head * d_head, (head + 1) * d_head)
    return Head(**{part.name: getattr(full, part.name)[..., columns] for part in fields(Head)})


def _stored_layers(layer: int) -> list[int]:
    layers = _index()["layers"]
    if layer not in layers:
        raise ValueError(f"There are no weights of layer {layer!r}, only of the layers {_listed(layers)}.")
    return layers


@cache
def _index() -> dict:
    path = DATA / "index.json"
    if not path.exists():
        raise FileNotFoundError(
            f"The vectors of the course are not where they should be, in {DATA}. "
            "They come with the project, in the folder `data`: unpack it again, or fetch it again with git."
        )
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def _sentence(name: str) -> Sentence:
    entry = next(entry for entry in _index()["sentences"] if entry["name"] == name)
    hidden = np.load(DATA / "sentences" / f"{name}.npy", allow_pickle=False)
    return Sentence(name, entry["text"], tuple(entry["tokens"]), _read_only(hidden))


@cache
def _attention(name: str) -> np.ndarray:
    return _read_only(np.load(DATA / "attention" / f"{name}.npy", allow_pickle=False))


@cache
def _after_attention(name: str) -> np.ndarray:
    return _read_only(np.load(DATA / "after_attention" / f"{name}.npy", allow_pickle=False))


@cache
def _attention_layer(layer: int) -> AttentionLayer:
    with np.load(DATA / "layers" / f"{layer}.npz", allow_pickle=False) as arrays:
        return AttentionLayer(**{name: _read_only(array) for name, array in arrays.items()})


def _read_only(array: np.ndarray) -> np.ndarray:
    array = array.astype(np.float64)
    array.flags.writeable = False
    return array


def _shapes(weights: Head | AttentionLayer) -> str:
    parts = (f"{part.name} {getattr(weights, part.name).shape}" for part in fields(weights))
    return f"{type(weights).__name__}({', '.join(parts)})"


def _listed(items) -> str:
    return " ".join(str(item) for item in items)
