"""What a function does on its way to an answer: how large its tensors get, and whether the library does the work."""

from collections.abc import Callable

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

FITS, TOO_LARGE, BORROWED = "within the bound", "larger than the bound", "made by the library's fused call"
ONCE = "one fused call"


class _Largest(TorchDispatchMode):
    """Remembers the largest memory, in numbers, that any operation gave a tensor of its own."""

    def __init__(self):
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        result = function(*arguments, **(named or {}))
        for item in result if isinstance(result, tuple | list) else (result,):
            if isinstance(item, torch.Tensor):
                self.numbers = max(self.numbers, item.untyped_storage().nbytes() // item.element_size())
        return result


class _Fused(TorchFunctionMode):
    """Counts calls of F.scaled_dot_product_attention, under whatever name."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def __torch_function__(self, function, types, arguments=(), named=None):
        self.calls += function is torch.nn.functional.scaled_dot_product_attention
        return function(*arguments, **(named or {}))


def largest_intermediate(function: Callable) -> Callable:
    """→ a call that returns the output, and in words whether its intermediates kept to the bound of the exercise."""

    def call(query, key, value, block_size):
        with _Fused() as fused, _Largest() as largest:
            output = function(query, key, value, block_size)
        heads = query.shape[:-2].numel()
        bound = max(
            query.shape[-2] * block_size,
            query.shape[-2] * value.shape[-1],
            *(given.numel() // heads for given in (query, key, value)),
        )
        words = TOO_LARGE if largest.numbers > bound * heads else FITS
        return output, BORROWED if fused.calls else words

    return call


def count_fused_calls(function: Callable) -> Callable:
    """→ a call that returns the output, and in words how often it went through the library's fused attention."""

    def call(query, key, value, *mask):
        with _Fused() as fused:
            output = function(query, key, value, *mask)
        return output, ONCE if fused.calls == 1 else f"{fused.calls} fused calls"

    return call
