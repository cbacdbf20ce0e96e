"""Numbers of an earlier cell that a function reads in place of its arguments: `values` where it was given `x`.

Only said of an answer that is wrong: a right one may read what it likes.
"""

import dis
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import CodeType

import numpy as np

from attention_lab.sentences import AttentionLayer, Head, Sentence
from attention_lab.tensors import is_tensor
from attention_lab.verdict import Verdict


def with_leftovers(verdict: Verdict, function: Callable) -> Verdict:
    """The verdict; of a wrong answer it also says which arrays the function takes from outside."""
    names = [] if verdict.passed or not verdict.started else leftovers(function)
    if not names:
        return verdict
    said = " and ".join(", ".join(f"`{name}`" for name in part) for part in (names[:-1], names[-1:]) if part)
    which = "which is none of its arguments: it is" if len(names) == 1 else "which are none of its arguments: they are"
    sentence = f"Your function reads {said}, {which} left over from another cell."
    return replace(verdict, look_at=" ".join(filter(None, (sentence, verdict.look_at))))


def leftovers(function: Callable) -> list[str]:
    """The names of global arrays, lists, NumPy numbers and what holds arrays that the function's own code reads."""
    code, known = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    if not isinstance(code, CodeType):
        return []
    return [name for name in dict.fromkeys(_read(code)) if _holds_numbers(known.get(name))]


def _read(code: CodeType) -> Iterator[str]:
    """Every global name that this code or a comprehension or a function inside it reads."""
    yield from (step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL")
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _read(inner)


def _holds_numbers(value) -> bool:
    return isinstance(value, np.ndarray | np.number | list | Head | AttentionLayer | Sentence) or is_tensor(value)
