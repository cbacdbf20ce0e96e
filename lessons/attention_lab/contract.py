"""What an exercise promises of its outputs before any number is compared: how many, which type, shape and dtype."""

import numpy as np

from attention_lab.comparison import as_value
from attention_lab.sheet import Case, Sheet
from attention_lab.tensors import Tensor, dtype_name, is_tensor

DTYPES = {
    "b": ("b", "booleans, True or False"),
    "f": ("f", "floating-point numbers, float32 or float64"),
    "i": ("iuf", "numbers"),
}


def contract_problem(sheet: Sheet, case: Case, returned) -> str | None:
    """The first promise that `returned` breaks, as a clause in words; None where it keeps them all."""
    if returned is None:
        return "your function returned `None`. Is there a `return` on every path?"
    count, own = len(sheet.outputs), [name for name in sheet.outputs if not name.endswith(".grad")]
    if count > 1:
        wanted = f"`({', '.join(own)})`"
        if type(returned) not in (tuple, list):
            return f"your function returned only {kind_text(returned)}; it should return {len(own)} things, {wanted}"
        if len(returned) != count:
            return f"your function returned {len(returned)} things; it should return {len(own)}, {wanted}"
    items = returned if count > 1 else (returned,)
    outputs = list(zip(sheet.outputs, items, case.expected, strict=True))
    for check in (_type_problem, _shape_problem, _dtype_problem):
        for name, item, expected in outputs:
            problem = check(sheet, case, name, item, expected)
            if problem:
                return problem
    return None


def _type_problem(sheet: Sheet, case: Case, name: str, item, expected) -> str | None:
    if isinstance(expected, str):
        return None if isinstance(item, str) else f"`{name}` is {kind_text(item)}; it should be a text"
    if expected.ndim == 0:
        if as_value(item) is not None and not isinstance(item, str):
            return None
        return f"`{name}` is {kind_text(item)}; it should be a number"
    if isinstance(item, bool | int | float | np.number | np.bool_):
        wanted = "a tensor" if sheet.library == "torch" else "an array"
        return f"`{name}` is a single number; it should be {wanted} of shape {expected.shape}"
    if as_value(item) is None or isinstance(item, str) or is_tensor(item) != (sheet.library == "torch"):
        wanted = "torch tensor" if sheet.library == "torch" else "NumPy array"
        kind = "booleans" if expected.dtype.kind == "b" else "numbers"
        return f"`{name}` is {kind_text(item)}; it should be a {wanted} of {kind}"
    return None


def _shape_problem(sheet: Sheet, case: Case, name: str, item, expected) -> str | None:
    if isinstance(expected, str) or np.shape(item) == expected.shape:
        return None
    if name.endswith(".grad") and 0 in np.shape(item):
        return f"no gradient reaches `{name.removesuffix('.grad')}`"
    sizes = (shapes_text(case) or _numbers_text(case)) if case.shown else ""
    inputs = f"for {sizes} " if sizes else ""
    return f"`{name}` has shape {tuple(np.shape(item))}; {inputs}it should be {expected.shape}"


def _dtype_problem(sheet: Sheet, case: Case, name: str, item, expected) -> str | None:
    if isinstance(expected, str):
        return None
    if sheet.library == "torch":
        return _torch_dtype_problem(sheet, case, name, item, expected)
    dtype = as_value(item).dtype
    kinds, wanted = DTYPES[expected.dtype.kind]
    if dtype.kind in kinds and (dtype.kind != "f" or dtype.itemsize in (4, 8)):
        return None
    return f"`{name}` holds {dtype}; it should hold {wanted}"


def _torch_dtype_problem(sheet: Sheet, case: Case, name: str, item, expected) -> str | None:
    kind = as_value(item).dtype.kind
    has = f"torch.{dtype_name(item)}" if is_tensor(item) else type(item).__name__
    if expected.ndim == 0:
        whole = expected.dtype.kind == "i" and kind not in "iu"
        return f"`{name}` is a {has}; it should be an `int`" if whole else None
    if (kind == "b") != (expected.dtype.kind == "b") or kind in "iu":
        return f"`{name}` holds {has}; it should hold {DTYPES[expected.dtype.kind][1].split(',')[0]}"
    given = [value.dtype for value in case.arguments.values() if isinstance(value, Tensor) and "float" in value.dtype]
    if sheet.keeps_dtype and given and dtype_name(item) != given[0]:
        return f"`{name}` holds {has}; the inputs are torch.{given[0]}, and it should be too"
    return None


def shapes_text(case: Case) -> str:
    """The shapes of the arguments: "query (2, 3), key (5, 3)"."""
    arrays = {name: value for name, value in case.arguments.items() if isinstance(value, np.ndarray | Tensor)}
    return ", ".join(f"{name} {value.shape}" for name, value in arrays.items())


def _numbers_text(case: Case) -> str:
    """The arguments that are plain numbers: "length 3"."""
    numbers = {name: value for name, value in case.arguments.items() if isinstance(value, int | float)}
    return ", ".join(f"{name} {value}" for name, value in numbers.items())


def kind_text(item) -> str:
    """A type in a learner's words, with its article."""
    if item is None:
        return "`None`"
    if isinstance(item, np.ndarray):
        return "a NumPy array" if item.dtype.kind in "fiub" else f"a NumPy array of {item.dtype}"
    name = type(item).__name__
    if name in ("int", "float", "bool") or isinstance(item, np.number):
        return "a number"
    words = {"Tensor": "torch tensor", "dict": "dictionary", "str": "text"}
    return f"a {words.get(name, name if name in ('list', 'tuple', 'set') else f'`{name}`')}"
