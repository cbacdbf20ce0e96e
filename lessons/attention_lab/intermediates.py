"""What a function does on its way to an answer: how large its tensors get, and whether the library does the work."""

import math
from collections.abc import Callable

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from attention_lab.phrases import ALL_SCORES, BORROWED, CALLS, FITS, NO_CALL, ONE_CALL, TOO_LARGE


class _Sizes(TorchDispatchMode):
    """Remembers how much memory, in numbers, every operation gave a tensor of its own; views of `given` have none."""

    def __init__(self, *given: torch.Tensor):
        super().__init__()
        self.numbers = set()
        self._given = {tensor.untyped_storage().data_ptr() for tensor in given}

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        result = function(*arguments, **(named or {}))
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


def largest_intermediate(function: Callable) -> Callable:
    """→ a call that returns the output, and in words whether its intermediates kept to the bound of the exercise."""

    def call(query, key, value, block_size):
        with _Fused() as fused, _Sizes(query, key, value) as sizes:
            output = function(query, key, value, block_size)
        heads = math.prod(query.shape[:-2])
        scores = query.shape[-2] * key.shape[-2]
        too_large = {size for size in sizes.numbers if size > bound_per_head(query, key, value, block_size) * heads}
        words = ALL_SCORES if {scores, scores * heads} & too_large else TOO_LARGE if too_large else FITS
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
