"""What a function does on its way to an answer: how large its tensors get, and whether the library does the work."""

import math
from collections.abc import Callable
from itertools import combinations

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from attention_lab.phrases import ALL_SCORES, BORROWED, CALLS, FITS, NO_CALL, ONE_CALL, TOO_LARGE, WHOLE_ROWS

EXPONENTIALS = ("exp", "exp2", "_softmax", "_log_softmax", "logsumexp")


class _Sizes(TorchDispatchMode):
    """Remembers how much memory, in numbers, every operation gave a tensor of its own; views of `given` have none.

    And the sizes of all axes of what exponentials are taken of.
    """

    def __init__(self, *given: torch.Tensor):
        super().__init__()
        self.numbers, self.axes = set(), set()
        self._given = {tensor.untyped_storage().data_ptr() for tensor in given}

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        result = function(*arguments, **(named or {}))
        if function.overloadpacket.__name__.rstrip("_") in EXPONENTIALS:
            self.axes.update(arguments[0].shape)
        for item in result if isinstance(result, tuple | list) else (result,):
            if isinstance(item, torch.Tensor) and item.untyped_storage().data_ptr() not in self._given:
                self.numbers.add(item.untyped_storage().nbytes() // item.element_size())
        return result


class _Fused(TorchFunctionMode):
    """Counts calls of F.scaled_dot_product_attention, under whatever name."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def __torch_function__(self, function, types, arguments=(), named=None):
        self.calls += function is torch.nn.functional.scaled_dot_product_attention
        return function(*arguments, **(named or {}))


def bound_per_head(query, key, value, block_size: int) -> int:
    """How many numbers an intermediate of tiled attention may have in each head."""
    heads = math.prod(query.shape[:-2])
    given = (math.prod(tensor.shape) // heads for tensor in (query, key, value))
    return max(query.shape[-2] * block_size, query.shape[-2] * value.shape[-1], *given)


def rows_can_be_told(query, key, value, block_size: int) -> bool:
    """Whether an axis as long as all keys can be nothing else, and no head has room for all of its scores.

    A right answer may put axes together, or cut them into pieces.
    """
    n_q, n_k = query.shape[-2], key.shape[-2]
    others = (*query.shape[:-1], value.shape[-1], block_size)
    joined = {math.prod(some) for size in range(len(others) + 1) for some in combinations(others, size)}
    return n_k > max(others) and n_k not in joined and n_q * n_k > bound_per_head(query, key, value, block_size)


def largest_intermediate(function: Callable) -> Callable:
    """→ a call that returns the output, and in words whether its intermediates kept to what the exercise allows."""

    def call(query, key, value, block_size):
        with _Fused() as fused, _Sizes(query, key, value) as sizes:
            output = function(query, key, value, block_size)
        heads = math.prod(query.shape[:-2])
        scores = query.shape[-2] * key.shape[-2]
        too_large = {size for size in sizes.numbers if size > bound_per_head(query, key, value, block_size) * heads}
        words = ALL_SCORES if {scores, scores * heads} & too_large else TOO_LARGE if too_large else FITS
        if not too_large and key.shape[-2] in sizes.axes and rows_can_be_told(query, key, value, block_size):
            words = WHOLE_ROWS
        return None if output is None else (output, BORROWED if fused.calls else words)

    return call


def count_fused_calls(function: Callable) -> Callable:
    """→ a call that returns the output, and in words how often it went through the library's fused attention."""

    def call(query, key, value, **mask):
        with _Fused() as fused:
            output = function(query, key, value, **mask)
        words = NO_CALL if fused.calls == 0 else ONE_CALL if fused.calls == 1 else CALLS
        return None if output is None else (output, words)

    return call
