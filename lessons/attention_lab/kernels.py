"""Another kernel behind the library's fused attention: one that leaves NaN where no key is permitted."""

import math
from collections.abc import Callable

import torch
from torch.overrides import TorchFunctionMode


class _LeavesNaN(TorchFunctionMode):
    """F.scaled_dot_product_attention with NaN in rows without a key, as some kernels have it."""

    def __torch_function__(self, function, types, arguments=(), named=None):
        named = named or {}
        result = function(*arguments, **named)
        mask = arguments[3] if len(arguments) > 3 else named.get("attn_mask")
        if function is not torch.nn.functional.scaled_dot_product_attention or mask is None:
            return result
        hidden = ~mask if mask.dtype == torch.bool else mask == -math.inf
        return result.masked_fill(hidden.all(dim=-1, keepdim=True), math.nan)


def on_a_kernel_with_nan(function: Callable, *inputs, **named):
    """function(*inputs, **named), while the library's fused attention leaves NaN in rows without a key."""
    with _LeavesNaN():
        return function(*inputs, **named)
