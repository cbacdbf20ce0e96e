"""Say in words what one call showed: the first part of a message. Never an expected value, never our own code."""

import numpy as np

from attention_lab.comparison import SAME, TOLD_BY_TEXT, as_values, differences, same
from attention_lab.contract import contract_problem, shapes_text
from attention_lab.drivers import HERE
from attention_lab.given import is_given
from attention_lab.observation import Failure, Observation
from attention_lab.phrases import PHRASES
from attention_lab.sheet import Case, Sheet
from attention_lab.tensors import Tensor

MOST_NUMBERS, MOST_LETTERS = 12, 60
NO_EXCEPTION = ("Missing", "Stopped", "TimeLimit", "Unreadable")  # kinds of failure that a grading process reports


def describe_wrong(sheet: Sheet, case: Case, observation: Observation) -> str:
    """What is wrong with this observation: an exception, the contract, NaN, sums, numbers, a changed input."""
    on = _call_text(case)
    if observation.failure is not None:
        text = _failure_text(sheet.exercise, on, observation.failure)
        return text if not case.raises else f"{text} It should raise a `{case.raises}` itself."
    if case.raises:
        returned = "a `ValueError`" if isinstance(observation.returned, ValueError) else "something"
        return _sentence(f"{on}your function returned {returned}; it should raise a `{case.raises}`")
    problem = contract_problem(sheet, case, observation.returned)
    if problem is None:
        problem = _numbers_problem(sheet, case, observation)
        if observation.changed:
            names = " and ".join(f"`{name}`" for name in observation.changed)
            changed = f"your function changed its input {names}. A caller still needs it: work on a copy"
            problem = changed if problem is None else f"{changed}. What it returns is wrong as well: {problem}"
    if case.shown and on and problem.startswith("`"):
        on = on.strip() + ", "
    return _sentence(f"{on}{problem}")


def _numbers_problem(sheet: Sheet, case: Case, observation: Observation) -> str | None:
    """What is wrong with the outputs, where they are what was promised, and with how two calls are related; or None."""
    values = as_values(observation.returned, len(sheet.outputs))
    outputs = sorted(zip(sheet.outputs, values, case.expected, strict=True), key=lambda o: o[0] not in sheet.sums)
    problems = (_value_problem(sheet, case, *output) for output in outputs)  # weights first: they come first
    problem = next(filter(None, problems), None)
    if problem is None and observation.related not in (None, case.answers[0][-1]):
        problem = _relation_problem(case, observation.related)
    return problem


def _sentence(text: str) -> str:
    return text if text.endswith("?") else text + "."


def _call_text(case: Case) -> str:
    """The arguments where they may be shown, else a description of the case."""
    if not case.shown:
        shapes = shapes_text(case)
        return f"With {case.name} ({shapes}), " if shapes else f"With {case.name}, "
    arguments = ", ".join(
        f"{name} `{number_text(value)}`{_dtype_text(value)}" for name, value in case.arguments.items()
    )
    return f"On {arguments} " if arguments else ""


def _dtype_text(value) -> str:
    """The dtype of a tensor where it is not the usual one."""
    unusual = isinstance(value, Tensor) and value.dtype not in ("float32", "bool")
    return f" ({value.dtype})" if unusual else ""


def number_text(value) -> str:
    """An array as nested lists, with as few digits as it needs, at most four significant ones."""
    if isinstance(value, Tensor):
        value = value.numbers
    if value is None or isinstance(value, str) or is_given(value):
        return str(value)
    array = np.asarray(value)
    if array.ndim == 0:
        number = array.item()
        return str(number) if isinstance(number, bool | int) else f"{number:.4g}"
    return "[" + ", ".join(number_text(item) for item in array) + "]"


def _failure_text(exercise: str, on: str, failure: Failure) -> str:
    if failure.waits_for and failure.waits_for != exercise:
        return f"`{exercise}` calls `{failure.waits_for}`, which is not written yet. Write that one first."
    if failure.kind == TOLD_BY_TEXT:
        return (
            f"The parameters of your module are: {failure.text}. It should have `nn.Linear` `q_proj`, `k_proj`, "
            "`v_proj` and `out_proj` from d_model to d_model, with a bias where `bias` says so, and no others."
        )
    if failure.kind in NO_EXCEPTION:
        return (
            failure.text if failure.text.endswith(".") else _sentence(f"{on}your function was stopped: {failure.text}")
        )
    text = f"`{failure.kind}: {failure.text}`" if failure.text else f"`{failure.kind}`"
    where = f", at {failure.where}" if failure.where else ""
    if failure.kind == "TypeError" and not where:
        where = f", when it was called; is the signature of `{exercise}` as it was given?"
    return _sentence(f"{on}your function stopped with {text}{where}")


def _value_problem(sheet: Sheet, case: Case, name: str, mine, expected) -> str | None:
    """What is wrong with the numbers of one output, or None."""
    if isinstance(expected, str):
        return None if same(mine, expected) else _word_problem(sheet, case, name, mine)
    wrong = differences(mine, expected, case.tolerance)
    if not wrong.any():
        return None
    if mine.dtype.kind == "f" and (~np.isfinite(mine) & np.isfinite(expected)).any():
        return _not_finite_text(name, mine, expected)
    return _sum_problem(sheet, case, name, mine, expected) or _number_problem(case, name, mine, expected, wrong)


def _relation_problem(case: Case, related: str) -> str:
    """What two calls showed together."""
    if "rng" not in case.again:
        both = ", and for ".join(f"`{name}` = {case.arguments[name]} and {value}" for name, value in case.again.items())
        return f"your function returned {'the same number' if related == SAME else 'two different numbers'} for {both}"
    if related == SAME:
        return "your function returned the same number for two generators of different seeds"
    return "your function returned two different numbers for two generators of the same seed"


def _word_problem(sheet: Sheet, case: Case, name: str, mine: str) -> str:
    if sheet.driver:  # words about the function; what another process says is only repeated where we could have said it
        known = sheet.driver in HERE or mine in PHRASES
        return f"your function {mine if known else 'does something else than it should'}"
    said = mine if len(mine) <= MOST_LETTERS else mine[:MOST_LETTERS] + "…"
    if sheet.words and not any(same(mine, word) for word in sheet.words):
        choices = ", ".join(f"“{word}”" for word in sheet.words)
        return f"`{name}` is “{said}”, which is none of the words to choose from: {choices}"
    first = name == sheet.outputs[0]
    return f"You say `{name}`: “{said}”. It is not{'' if first else '; all before it are right'}"


def _not_finite_text(name, mine, expected) -> str:
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(mine) & np.isfinite(expected))[0])
    kind = "NaN (not a number)" if np.isnan(mine[place]) else "infinite"
    return f"`{name}{_index(place)}` is {kind}"


def _sum_problem(sheet: Sheet, case: Case, name: str, mine, expected) -> str | None:
    """Where weights should sum to one along an axis, and do not."""
    if name not in sheet.sums or mine.ndim == 0:
        return None
    axis = sheet.sums[name]
    axis = int(case.arguments.get(axis, -1) if isinstance(axis, str) else axis) % mine.ndim
    mine = mine.astype(np.float64)
    sums, wanted = mine.sum(axis=axis), expected.sum(axis=axis)
    off = np.abs(sums - wanted) >= 1e-4
    if not off.any():
        return None
    which = _line(axis, mine.ndim)
    place = np.unravel_index(np.abs(sums - wanted).argmax(), sums.shape)
    if wanted[place] == 0:
        return f"one {which} of `{name}` sums to {sums[place]:.3g}, where it should be all zeros"
    if mine.ndim == 1:
        return f"your `{name}` sum to {sums:.3g}; they should sum to 1"
    for other in range(mine.ndim):
        if other != axis and np.abs(mine.sum(axis=other) - 1).max() < 1e-4:
            return f"your **{_line(other, mine.ndim, plural=True)}** sum to 1; each **{which}** should"
    uneven = np.ptp(sums) >= 1e-4  # else every row is as wrong as the others, and all of them sum to 1 by chance
    if abs(mine.sum() - 1) < 1e-4 and off.all() and uneven:
        return f"all entries of `{name}` together sum to 1; each **{which}** should"
    return f"one {which} of `{name}` sums to {sums[place]:.3g}; each {which} should sum to 1"


def _line(axis: int, ndim: int, plural: bool = False) -> str:
    """What one calls a line of entries along an axis."""
    word = {ndim - 1: "row", ndim - 2: "column"}.get(axis)
    if word is None:
        return f"lines along axis {axis}" if plural else f"line along axis {axis}"
    return word + "s" * plural


def _number_problem(case: Case, name: str, mine, expected, wrong) -> str:
    """The first entry that differs, and in which direction; the right number stays with the learner to find."""
    place = tuple(int(i) for i in np.argwhere(wrong)[0]) if mine.ndim else ()
    here = f"`{name}{_index(place)}`" if place else f"`{name}`"
    if mine.dtype.kind == "b":
        return f"{here} is {bool(mine[place])}, and should not be"
    if expected[place] and number_text(mine[place]) == number_text(expected[place]):
        return f"{here} is right to four digits, but no further: is anything rounded or added on the way?"
    direction = "large" if mine[place] > expected[place] else "small"
    if case.shown and mine.size <= MOST_NUMBERS and place:
        return f"you return `{name}` = `{number_text(mine)}`; {here} is too {direction}"
    near = f"; it should be near {expected[place]:.1g}" if case.shown and case.again else ""
    return f"{here} is {number_text(mine[place])}, which is too {direction}{near}"


def _index(place: tuple) -> str:
    return "[" + ", ".join(str(i) for i in place) + "]" if place else ""
