"""The forward pass of all-MiniLM-L6-v2, in NumPy and float64: a BERT encoder of 6 layers, 12 heads of 32.

Devlin et al. 2019; normalised after each residual sum, as in Vaswani et al. 2017, §5.4 and figure 1.
Computed in float64 and stored in float32, the numbers do not depend on the machine's linear algebra.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

NUM_LAYERS = 6
NUM_HEADS = 12
D_HEAD = 32
EPSILON = 1e-12  # in LayerNorm, as in the model's configuration

Weights: TypeAlias = dict[str, np.ndarray]

_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True, eq=False)
class Activations:
    """What a sentence becomes on its way through the model.

    hidden (7, n, 384): before each layer and after the last; attention (6, 12, n, n): rows look;
    after_attention (6, n, 384): inside each layer, between its attention and its feed-forward part
    """

    hidden: np.ndarray
    attention: np.ndarray
    after_attention: np.ndarray


def forward(weights: Weights, token_ids: Sequence[int]) -> Activations:
    """Run one sentence through the model, without padding."""
    x = embed(weights, token_ids)
    hidden, attention, after_attention = [x], [], []
    for layer in range(NUM_LAYERS):
        mixed, layer_attention = attend(attention_projections(weights, layer), x)
        x = _normalise(weights, f"encoder.layer.{layer}.attention.output.LayerNorm", x + mixed)
        after_attention.append(x)
        fed = _feed_forward(weights, layer, x)
        x = _normalise(weights, f"encoder.layer.{layer}.output.LayerNorm", x + fed)
        hidden.append(x)
        attention.append(layer_attention)
    return Activations(np.stack(hidden), np.stack(attention), np.stack(after_attention))


def embed(weights: Weights, token_ids: Sequence[int]) -> np.ndarray:
    """Word + position + segment (always the first), normalised: (n, 384)."""
    words = weights["embeddings.word_embeddings.weight"][list(token_ids)].astype(np.float64)
    positions = weights["embeddings.position_embeddings.weight"][: len(token_ids)]
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    return _normalise(weights, "embeddings.LayerNorm", words + positions + segment)


def attention_projections(weights: Weights, layer: int) -> Weights:
    """`w_q b_q w_k b_k w_v b_v w_o b_o` of a layer: weights (384, 384), transposed to be used as x @ w."""
    prefix = f"encoder.layer.{layer}.attention"
    places = {"q": "self.query", "k": "self.key", "v": "self.value", "o": "output.dense"}
    projections = {}
    for letter, place in places.items():
        projections[f"w_{letter}"] = np.ascontiguousarray(weights[f"{prefix}.{place}.weight"].T)
        projections[f"b_{letter}"] = weights[f"{prefix}.{place}.bias"]
    return projections


def attention_norm(weights: Weights, layer: int) -> Weights:
    """`norm_weight norm_bias` (384,) of the LayerNorm that follows a layer's attention and its residual sum."""
    place = f"encoder.layer.{layer}.attention.output.LayerNorm"
    return {"norm_weight": weights[f"{place}.weight"], "norm_bias": weights[f"{place}.bias"]}


def attend(projections: Weights, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multi-head attention, without residual: x (n, 384) → output (n, 384), weights (12, n, n)."""
    query, key, value = (_heads(x @ projections[f"w_{name}"] + projections[f"b_{name}"]) for name in "qkv")
    scores = query @ key.swapaxes(-1, -2) / np.sqrt(D_HEAD)
    attention = np.exp(scores - scores.max(axis=-1, keepdims=True))
    attention /= attention.sum(axis=-1, keepdims=True)
    merged = (attention @ value).swapaxes(0, 1).reshape(x.shape)
    return merged @ projections["w_o"] + projections["b_o"], attention


def _heads(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), NUM_HEADS, D_HEAD).swapaxes(0, 1)


def _feed_forward(weights: Weights, layer: int, x: np.ndarray) -> np.ndarray:
    prefix = f"encoder.layer.{layer}"
    inner = _linear(weights, f"{prefix}.intermediate.dense", x)
    inner = inner * (1 + _erf(inner / math.sqrt(2))) / 2  # GELU, exact
    return _linear(weights, f"{prefix}.output.dense", inner)


def _linear(weights: Weights, name: str, x: np.ndarray) -> np.ndarray:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _normalise(weights: Weights, name: str, x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
    return centred / scale * weights[f"{name}.weight"] + weights[f"{name}.bias"]
