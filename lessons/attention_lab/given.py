"""Arguments that are no arrays, as plain descriptions: a random generator, a tensor, a function to be examined.

A sheet stores the description as text and numbers; for every call the real thing is made afresh.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from attention_lab.tensors import Dtype, Tensor, is_tensor, to_numpy
from attention_lab.timed import Timed

MOST = 512  # tokens and features: whoever examines a function may ask it anything, but not for all memory


@dataclass(frozen=True)
class Generator:
    """A `numpy.random.Generator` of a seed."""

    seed: int

    def make(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def __str__(self) -> str:
        return f"default_rng({self.seed})"


@dataclass(frozen=True)
class Attention:
    """A function (length, d_model) → (length, d_model): one of BASES, and where it has a leak, that as well.

    leak: (row, column, size); output[row] gains size · x[column], where both tokens exist; `within` says in which of
    the numbers of a token: in "all", in the "last" alone, or in the first two so that the changes "cancel"
    """

    base: str
    leak: tuple = ()
    within: str = "all"

    def make(self) -> Callable:
        def attention(x):
            x = np.array(x, dtype=float)
            if x.ndim != 2 or max(x.shape) > MOST:
                raise ValueError(f"attention takes an array (length, d_model) of at most {MOST} tokens, not {x.shape}")
            output = BASES[self.base](x)
            if self.leak:
                row, column, size = self.leak
                if max(row, column) < len(x):
                    output[row] += size * WITHIN[self.within](x[column])
            return output

        return attention

    def __str__(self) -> str:
        if not self.leak:
            return self.base
        row, column, size = self.leak
        return f"{self.base}, with {size:g} · x[{column}] added to output[{row}]"


GIVEN = {kind.__name__: kind for kind in (Generator, Attention, Tensor, Dtype, Timed)}


def is_given(value) -> bool:
    return type(value) in GIVEN.values()


def describe(given) -> dict:
    """A given argument as plain JSON and arrays; `described` reads it."""
    return {"given": type(given).__name__, **vars(given)}


def described(description: dict):
    """The given argument that `describe` wrote down."""
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in description.items()}
    return GIVEN[fields.pop("given")](**fields)


def fresh(arguments: dict) -> dict:
    """The arguments for one call: copies of arrays, and the real things where something is given by description."""
    return {name: _fresh(value) for name, value in arguments.items()}


def _fresh(value):
    if is_given(value):
        return value.make()
    if is_tensor(value):
        return value.clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def was_changed(given, made) -> bool:
    """Whether the argument that was made for a call holds something else after it. A generator may move on."""
    if isinstance(given, Tensor):
        return not (is_tensor(made) and given.is_still(made))
    if is_tensor(given):
        given, made = to_numpy(given), to_numpy(made)
    return isinstance(given, np.ndarray) and (made.shape != given.shape or made.tobytes() != given.tobytes())


def size_of(value) -> int:
    """How many numbers an argument has."""
    return int(np.size(value.numbers if isinstance(value, Tensor) else value))


def _weighted(x, mask):
    """Attention without projections over the permitted tokens."""
    scores = np.where(mask, x @ x.T / np.sqrt(x.shape[-1]), -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ x


def _rounded(output, x):
    """Moves the last digits by what depends on all tokens, at most 1e-13: a difference of rounding, and no leak."""
    return output + 1e-13 * np.sin(x.sum())


BASES = {
    "causal attention": lambda x: _weighted(x, np.tri(len(x), dtype=bool)),
    "a running mean": lambda x: np.cumsum(x, axis=0) / np.arange(1, len(x) + 1)[:, None],
    "a copy": np.copy,
    "causal attention with other last digits": lambda x: _rounded(_weighted(x, np.tri(len(x), dtype=bool)), x),
    "attention to everything": lambda x: _weighted(x, np.ones((len(x), len(x)), dtype=bool)),
}
WITHIN = {
    "all": lambda token: token,
    "last": lambda token: np.concatenate([np.zeros(len(token) - 1), token[-1:]]),
    "cancel": lambda token: np.concatenate([token[:1], -token[:1], np.zeros(len(token))])[: len(token)],
}
