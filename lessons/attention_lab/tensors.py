"""Tensors of PyTorch in cases and answers. PyTorch is only imported where a lesson uses it."""

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

WIDER = {"bfloat16": np.float32}  # dtypes that NumPy lacks, and those that hold their numbers exactly


def is_tensor(item) -> bool:
    """Whether this is a dense tensor of real numbers or booleans."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(item, torch.Tensor) or item.layout is not torch.strided:
        return False
    return not (item.is_complex() or item.is_quantized or item.is_meta)


def to_numpy(tensor) -> np.ndarray:
    """A copy of its numbers; those that NumPy has no dtype for, in a wider one."""
    tensor = tensor.detach().cpu()
    wider = WIDER.get(dtype_name(tensor))
    if wider is not None:
        tensor = tensor.to(sys.modules["torch"].float32)
    return np.array(tensor.numpy())


def bytes_of(tensor) -> np.ndarray:
    """The memory of a contiguous tensor, as an array of bytes that shares it."""
    return tensor.reshape(-1).view(sys.modules["torch"].uint8).numpy()


def dtype_name(item) -> str:
    """The dtype of a tensor, or a dtype itself, as a word: "float32", "bfloat16", …"""
    return str(getattr(item, "dtype", item)).removeprefix("torch.")


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor as an argument: its numbers, any shape, and the name of its dtype."""

    numbers: np.ndarray
    dtype: str = "float32"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.numbers.shape

    def make(self):
        return _made(self).clone()

    def is_still(self, tensor) -> bool:
        """Whether `tensor`, made from this, holds the same numbers as then."""
        return tuple(tensor.shape) == self.shape and to_numpy(tensor).tobytes() == _bytes(self)


@lru_cache(maxsize=512)
def _made(tensor: Tensor):
    import torch

    return torch.tensor(tensor.numbers).to(getattr(torch, tensor.dtype))


@lru_cache(maxsize=512)
def _bytes(tensor: Tensor) -> bytes:
    return to_numpy(_made(tensor)).tobytes()


@contextmanager
def one_thread():
    """PyTorch on one thread, which is faster for many small tensors."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class Dtype:
    """A dtype of PyTorch as an argument."""

    name: str

    def make(self):
        import torch

        return getattr(torch, self.name)

    def __str__(self) -> str:
        return f"torch.{self.name}"
