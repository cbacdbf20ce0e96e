"""What crosses the pipe to a learner's process: frames of JSON and raw arrays. Nothing that arrives is ever run.

A frame is the length of its header (four bytes), the header as JSON, and the bytes of the arrays that the header
lists under "arrays" as [dtype, shape]. There is no pickle in either direction. A value (what a function is given or
returns) is written as a small form that names its kind: `pack` makes it, `unpack` reads it.

This file lies in the jail too: it imports the standard library and NumPy, and nothing of ours.
"""

import json
import math
import re
import struct
import sys
from collections.abc import Callable

import numpy as np

NUMBERS = re.compile(r"[<>|=]?[biufc]\d{1,2}")  # the dtypes of arrays that cross: booleans and numbers
OTHERS = re.compile(r"\|O|[<>|=]?[SU]\d{1,4}")  # of these the dtype crosses, so that a message can name it
LENGTH = struct.Struct("!I")
MOST_TEXT = 10_000
MOST_ITEMS = 1_000
DEEPEST = 4


class WireError(Exception):
    """A frame that is broken, cut off or larger than allowed."""


class Ended(WireError):
    """The other side has closed its end of the pipe."""


class Unknown:
    """Something that does not cross. The name of its class is the name that its type has on the other side."""


def unknown(kind: str) -> Unknown:
    """An `Unknown` whose type is called `kind`."""
    name = re.sub(r"\W", "", kind)[:40] or "object"
    return type(name, (Unknown,), {})()


def send(stream, header: dict, arrays=()) -> None:
    """Write one frame."""
    arrays = [np.asarray(array) for array in arrays]
    listed = [[array.dtype.str, array.shape] for array in arrays]
    text = json.dumps({**header, "arrays": listed}, ensure_ascii=False, default=str).encode("utf-8", "replace")
    stream.write(b"".join([LENGTH.pack(len(text)), text, *(array.tobytes() for array in arrays)]))
    stream.flush()


def receive(stream, most_bytes: int) -> tuple[dict, list[np.ndarray]]:
    """Read one frame of at most `most_bytes` → its header and its arrays."""
    (length,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    if length > most_bytes:
        raise WireError(f"a header of {length:,} bytes; at most {most_bytes:,} are read")
    text = _exactly(stream, length)
    try:
        header = _clean(json.loads(text))
        listed = [(_dtype(dtype), _shape(shape)) for dtype, shape in header.pop("arrays")]
        sizes = [dtype.itemsize * math.prod(shape) for dtype, shape in listed]
        if length + sum(sizes) > most_bytes:
            raise WireError(f"arrays of {sum(sizes):,} bytes; at most {most_bytes - length:,} are read")
        arrays = [
            np.frombuffer(bytearray(_exactly(stream, size)), dtype).reshape(shape)
            for (dtype, shape), size in zip(listed, sizes, strict=True)
        ]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, OverflowError, MemoryError) as error:
        raise WireError(f"not a frame: {type(error).__name__}") from error
    return header, arrays


def _exactly(stream, size: int) -> bytes:
    parts, missing = [], size
    while missing:
        part = stream.read(missing)
        if not part:
            raise Ended("the other side ended")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _dtype(text) -> np.dtype:
    if not isinstance(text, str) or not NUMBERS.fullmatch(text):
        raise ValueError("a dtype that does not cross")
    return np.dtype(text)


def _shape(shape) -> tuple[int, ...]:
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("a shape is made of sizes")
    return tuple(shape)


def _clean(value):
    """The same JSON value, with no text in it that could not be written to a file as UTF-8."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


def pack(value, arrays: list, depth: int = 0, functions: list | None = None) -> list:
    """The form of a value: [kind, content]. Arrays are appended to `arrays`, and the form holds their place.

    Where there is a list of `functions`, ours to give, a function is appended to it and called from the other side, and
    a random generator crosses as its state.
    """
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if not NUMBERS.fullmatch(array.dtype.str):
            return ["array_of", array.dtype.str] if isinstance(value, np.ndarray) else _unknown(value)
        arrays.append(array)
        return ["array" if isinstance(value, np.ndarray) else "number", len(arrays) - 1]
    if value is None or isinstance(value, bool | float):
        return ["plain", value if value is None or isinstance(value, bool) else float(value)]
    if isinstance(value, int) and abs(value) < 2**63:
        return ["plain", int(value)]
    if isinstance(value, str):
        return ["plain", str(value[:MOST_TEXT])]
    if type(value) in (tuple, list) and len(value) <= MOST_ITEMS and depth < DEEPEST:
        return [type(value).__name__, [pack(item, arrays, depth + 1, functions) for item in value]]
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _pack_tensor(torch, value, arrays)
    if functions is not None:
        if torch is not None and isinstance(value, torch.dtype):
            return ["dtype", str(value).removeprefix("torch.")]
        if isinstance(value, np.random.Generator):
            return ["generator", value.bit_generator.state]
        if callable(value):
            functions.append(value)
            return ["function", len(functions) - 1]
    return _unknown(value)


def _pack_tensor(torch, tensor, arrays: list) -> list:
    """A dense tensor crosses as an array, and the name of its dtype beside it where NumPy has none."""
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        return _unknown(tensor)
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    half = tensor.dtype == torch.bfloat16
    array = (tensor.view(torch.int16) if half else tensor).numpy()
    if not NUMBERS.fullmatch(array.dtype.str):
        return _unknown(tensor)
    arrays.append(array)
    return ["tensor", [len(arrays) - 1, "bfloat16" if half else ""]]


def _unknown(value) -> list:
    return ["unknown", type(value).__name__[:MOST_TEXT]]


def unpack(form: list, arrays: list[np.ndarray], depth: int = 0, function: Callable[[int], Callable] | None = None):
    """The value of a form. What could not cross comes back as an `Unknown`.

    Functions and generators are only taken from us: by the side that can say which `function` has a number.
    """
    try:
        kind, content = form
        if kind == "plain" and (content is None or isinstance(content, bool | float | str)):
            return content
        if kind == "plain" and isinstance(content, int):
            return content if abs(content) < 2**63 else unknown("int")
        if kind == "array":
            return arrays[content]
        if kind == "number":
            return arrays[content][()] if arrays[content].ndim == 0 else unknown("array")
        if kind == "array_of" and OTHERS.fullmatch(content):
            return np.empty(0, np.dtype(content))
        if kind in ("tuple", "list") and depth <= DEEPEST:
            items = [unpack(item, arrays, depth + 1, function) for item in content]
            return tuple(items) if kind == "tuple" else items
        if kind == "unknown":
            return unknown(content)
        if kind == "tensor":
            return _unpack_tensor(arrays[content[0]], content[1])
        if function is not None:
            return _unpack_ours(kind, content, function)
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        raise WireError("not the form of a value") from error
    raise WireError("not the form of a value")


def _unpack_tensor(array: np.ndarray, dtype: str):
    import torch

    tensor = torch.from_numpy(array)
    return tensor.view(torch.bfloat16) if dtype == "bfloat16" and array.dtype == np.int16 else tensor


def _unpack_ours(kind: str, content, function: Callable[[int], Callable]):
    if kind == "function":
        return function(content)
    if kind == "generator":
        bits = getattr(np.random, content["bit_generator"])()
        bits.state = content
        return np.random.Generator(bits)
    if kind == "dtype":
        import torch

        return getattr(torch, content)
    raise WireError("not the form of a value")
