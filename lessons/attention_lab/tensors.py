"""Tensors of PyTorch in cases and answers. PyTorch is only imported where a lesson uses it."""

import sys
from dataclasses import dataclass

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
        import torch

        return torch.tensor(self.numbers).to(getattr(torch, self.dtype))


@dataclass(frozen=True)
class Dtype:
    """A dtype of PyTorch as an argument."""

    name: str

    def make(self):
        import torch

        return getattr(torch, self.name)

    def __str__(self) -> str:
        return f"torch.{self.name}"
