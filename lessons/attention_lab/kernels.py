"""Machines that are not there: a kernel that leaves NaN where no key is permitted, and a GPU that is waited for."""

import math
from collections.abc import Callable
from unittest import mock

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


class _OnGPU(torch.Tensor):
    """A tensor of the CPU that says it lives on a GPU."""

    device = property(lambda self: torch.device("cuda", 0))
    is_cuda = property(lambda self: True)


def on_a_pretend_gpu(benchmark: Callable, order: Callable, wait: Callable):
    """benchmark(…) of a function that gives an `order`, with an input that says it lives on a GPU.

    Whoever synchronises the GPU meanwhile calls `wait`.
    """
    number = torch.zeros(1).as_subclass(_OnGPU)
    with (
        mock.patch("torch.cuda.synchronize", lambda device=None: wait()),
        mock.patch("torch.cuda.is_available", lambda: True),
    ):
        return benchmark(lambda number: order(), number)
