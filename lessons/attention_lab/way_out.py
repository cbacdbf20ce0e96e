"""A sentence that leads out of an exception whose own text leads astray: of truth, None, axes and lists."""

import re

import numpy as np

from attention_lab.given import Generator
from attention_lab.observation import Failure
from attention_lab.sheet import Case, Sheet
from attention_lab.tensors import Tensor

AMBIGUOUS = ("The truth value of an array with more than one element", "Boolean value of Tensor with more than one")
OF_NOTHING = (
    "zero-size array to reduction operation",
    "max() iterable argument is empty",
    "max() arg is an empty sequence",
)
NOTHING_THERE = "Nothing has no largest number. Which slice is empty there? No row lies before position 0, for one."
PYTHONS_OWN = re.compile(r"(?<![.\w])(max|min|sorted)\(")
WEIGHT_FIRST = re.compile(r"\b(?:weight|w_[qkv])\s*@\s*x\b(?!\[)")
FROM_THE_END = "Counted from the end, -1 and -2 are the last two axes, however many stand in front."
NO_ARRAY = "'float' object has no attribute"
PLACE = re.compile(r"in `([^`]*)`(?:: `(.*)`)?$")


def way_out(sheet: Sheet, case: Case, failure: Failure) -> str:
    """What to look at after this exception; nothing where its text can be trusted to say it."""
    place = PLACE.search(failure.where)
    function, line = (place[1], place[2] or "") if place else ("", "")
    if failure.text.startswith(AMBIGUOUS):
        return _not_a_truth(sheet, line)
    if "'NoneType'" in failure.text:
        missing = [name for name in _may_be_missing(sheet) if case.arguments.get(name) is None and _says(line, name)]
        return f"`{missing[0]}` is `None` here. Ask `{missing[0]} is not None` before you use it." if missing else ""
    if failure.text.startswith(OF_NOTHING):
        return NOTHING_THERE
    if _counts_from_the_front(failure.text) and not any("axis" in case.arguments for case in sheet.cases):
        return FROM_THE_END
    if any(isinstance(value, Generator) for value in case.arguments.values()) and failure.text.startswith(NO_ARRAY):
        return (
            "Is a draw of yours a single number? The first two arguments of `rng.normal` are a mean and a standard "
            "deviation. The shape of what it draws is `size=(…)`."
        )
    if failure.text.startswith("Cannot cast ufunc") and "dtype('int" in failure.text:
        return "The numbers that came in are integers. Which dtype has the array that you write into?"
    if "the inner sizes" in failure.text and WEIGHT_FIRST.search(line):
        return "The rows of `x` are tokens. Which of the two comes first, so that the last axis of `x` is summed?"
    if failure.text.startswith("'list' object has no attribute") and sheet.library == "numpy":
        before = f", before `{function}` gets it" if function not in ("", sheet.exercise) else ""
        return f"There is a list where an array is needed: make an array of it, with `np.array(…)`{before}."
    return ""


def _may_be_missing(sheet: Sheet) -> list[str]:
    """The arrays that not every call gives."""
    names = dict.fromkeys(name for case in sheet.cases for name in case.arguments)
    given = {name: [case.arguments.get(name) for case in sheet.cases] for name in names}
    return [
        name
        for name, values in given.items()
        if any(value is None for value in values) and any(isinstance(value, np.ndarray | Tensor) for value in values)
    ]


def _not_a_truth(sheet: Sheet, line: str) -> str:
    """`if bias`, `bias != None`, `bias or 0`; `max(scores)`; or any other `if` that is asked of an array."""
    for name in _may_be_missing(sheet):
        asked = rf"\b(?:if|elif|while|not|and|or)\s+\(*{name}\s*(?:\)|:|$|and\b|or\b|else\b)"
        if re.search(rf"{asked}|\b{name}\s+(?:or|and)\b|\b{name}\s*[!=]=\s*None|\bbool\({name}\)", line):
            return f"What you want to know is whether there is a `{name}` at all: ask `{name} is not None`."
    own = PYTHONS_OWN.search(line)
    if own:
        return f"Python's own `{own[1]}` compares whole rows with each other. Which of NumPy's goes along an axis?"
    return "An array of several numbers is neither true nor false."


def _says(line: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", line) is not None


def _counts_from_the_front(text: str) -> bool:
    return text == "axes don't match array" or bool(
        re.search(r"\baxis \d+ is out of bounds for array of dimension", text)
    )
