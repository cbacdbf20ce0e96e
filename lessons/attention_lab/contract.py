"""What an exercise promises of its outputs before any number is compared: how many, which type, shape and dtype."""

import numpy as np

from attention_lab.comparison import as_value
from attention_lab.sheet import Case, Sheet

DTYPES = {
    "b": ("b", "booleans, True or False"),
    "f": ("f", "floating-point numbers, float32 or float64"),
    "i": ("iuf", "numbers"),
}


def contract_problem(sheet: Sheet, case: Case, returned) -> str | None:
    """The first promise that `returned` breaks, as a clause in words; None where it keeps them all."""
    if returned is None:
        return "your function returned `None`. Is there a `return` on every path?"
    count = len(sheet.outputs)
    if count > 1:
        wanted = "`(" + ", ".join(sheet.outputs) + ")`"
        if type(returned) not in (tuple, list):
            return f"your function returned only {kind_text(returned)}; it should return {count} things, {wanted}"
        if len(returned) != count:
            return f"your function returned {len(returned)} things; it should return {count}, {wanted}"
    items = returned if count > 1 else (returned,)
    outputs = list(zip(sheet.outputs, items, case.expected, strict=True))
    for check in (_type_problem, _shape_problem, _dtype_problem):
        for name, item, expected in outputs:
            problem = check(case, name, item, expected)
            if problem:
                return problem
    return None


def _type_problem(case: Case, name: str, item, expected) -> str | None:
    if isinstance(expected, str):
        return None if isinstance(item, str) else f"`{name}` is {kind_text(item)}; it should be a text"
    if as_value(item) is None or isinstance(item, str):
        return f"`{name}` is {kind_text(item)}; it should be a NumPy array of numbers"
    if not isinstance(item, np.ndarray) and expected.ndim:
        return f"`{name}` is a single number; it should be an array of shape {expected.shape}"
    return None


def _shape_problem(case: Case, name: str, item, expected) -> str | None:
    if isinstance(expected, str) or np.shape(item) == expected.shape:
        return None
    inputs = f"for {shapes_text(case)} " if case.shown else ""
    return f"`{name}` has shape {np.shape(item)}; {inputs}it should be {expected.shape}"


def _dtype_problem(case: Case, name: str, item, expected) -> str | None:
    if isinstance(expected, str):
        return None
    dtype = as_value(item).dtype
    kinds, wanted = DTYPES[expected.dtype.kind]
    if dtype.kind in kinds and (dtype.kind != "f" or dtype.itemsize in (4, 8)):
        return None
    return f"`{name}` holds {dtype}; it should hold {wanted}"


def shapes_text(case: Case) -> str:
    """The shapes of the arguments: "query (2, 3), key (5, 3)"."""
    return ", ".join(f"{name} {value.shape}" for name, value in case.arguments.items() if isinstance(value, np.ndarray))


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
