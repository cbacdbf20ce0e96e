"""Compare what a function returned with an answer on a sheet, number by number."""

import numpy as np

from attention_lab.tensors import dtype_name, is_tensor, to_numpy

# Relative to the largest number of the answer. A right answer may compute in float32 and return float64, so the
# bound for float64 leaves room for a few roundings of float32; a wrong constant is far outside of both.
TOLERANCE, TOLERANCE_FLOAT32 = 1e-6, 2e-5
FLOAT32 = np.dtype(np.float32)


RAISES = "raises"  # as an output: that it raises, whatever it raises
RAISES_OVER_NONE = "raises over None"  # that it speaks of None, or of what has no value because none was given
RAISES_OVER_SHAPES = "raises over shapes"  # that it speaks of shapes or sizes that do not fit
SIGNS = {
    RAISES_OVER_NONE: (
        "None",
        "required positional argument",
        "dtype('O')",
        "object_",
        "used as indices",
        "dimension 0",
    ),
    RAISES_OVER_SHAPES: ("shape", "broadcast", "boolean index did not match", "must match the size", "sizes"),
}


TOLD_BY_TEXT = "WrongParameters"  # an exception whose text is part of the answer


def raised(kind: str | Exception, text: str = "") -> str:
    """An exception as an output: some mistakes show by what they raise, and some answers are right to raise."""
    if isinstance(kind, Exception):
        kind, text = type(kind).__name__, str(kind)
    return f"raises {kind}: {text}" if kind == TOLD_BY_TEXT else f"raises {kind}"


def raised_over(kind: str, text: str) -> list[str]:
    """What an exception speaks of, as outputs: the first of SIGNS, or nothing."""
    if kind in ("UnboundLocalError", "AssertionError"):
        return [RAISES_OVER_NONE]
    return [output for output, signs in SIGNS.items() if any(sign in text for sign in signs)][:1]


def as_values(returned, count: int) -> tuple | None:
    """The `count` outputs of a call as a tuple of arrays and texts, or None where that is not what came back."""
    if count > 1:
        if type(returned) not in (tuple, list) or len(returned) != count:
            return None
        values = tuple(as_value(item) for item in returned)
    else:
        values = (as_value(returned),)
    return None if any(value is None for value in values) else values


def dtypes_of(returned, count: int) -> tuple[str, ...]:
    """The dtypes of what a call returned, as answers that belong to its outputs."""
    items = returned if count > 1 and type(returned) in (tuple, list) else (returned,)
    return tuple(dtype_name(item) if is_tensor(item) else type(item).__name__ for item in items)


def as_value(item):
    """An array of numbers or booleans (a tensor's too), a plain number as an array without axes, a text; else None."""
    if is_tensor(item):
        return to_numpy(item)
    if isinstance(item, np.ndarray | np.number | np.bool_):
        array = np.asarray(item)
        return array if array.dtype.kind in "fiub" else None
    if isinstance(item, bool | int | float):
        return np.asarray(item)
    return str(item) if isinstance(item, str) else None


SAME, ANOTHER = "the same number", "another number"


def relation(first, second) -> str:
    """How the numbers of two calls are related."""
    first, second = as_value(first), as_value(second)
    if any(value is None or isinstance(value, str) for value in (first, second)) or first.shape != second.shape:
        return ANOTHER
    return SAME if np.allclose(first, second, rtol=1e-9, atol=0, equal_nan=True) else ANOTHER


def matches(values: tuple, answer: tuple, tolerance: float = 0.0) -> bool:
    """Whether every output is what `answer` holds: same shape, same kind, same numbers within tolerance."""
    return len(values) == len(answer) and all(
        same(mine, theirs, tolerance) for mine, theirs in zip(values, answer, strict=True)
    )


def same(mine, theirs, tolerance: float = 0.0) -> bool:
    """Whether two outputs are equal for a judge. Every number that is not finite counts as the same one."""
    if isinstance(mine, str) or isinstance(theirs, str):
        return isinstance(mine, str) and isinstance(theirs, str) and mine.strip().lower() == theirs.strip().lower()
    if mine.shape != theirs.shape or (mine.dtype.kind == "b") != (theirs.dtype.kind == "b"):
        return False
    return not bool(differences(mine, theirs, tolerance).any())


def differences(mine: np.ndarray, theirs: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
    """Where two arrays of one shape disagree, as an array of booleans."""
    if mine.dtype.kind == "b" or (mine.dtype.kind in "iu" and theirs.dtype.kind in "iu"):
        return mine != theirs
    tolerance = max(tolerance, TOLERANCE_FLOAT32 if FLOAT32 in (mine.dtype, theirs.dtype) else TOLERANCE)
    with np.errstate(all="ignore"):
        mine, theirs = mine.astype(np.float64), theirs.astype(np.float64)
        finite = np.isfinite(theirs)
        scale = np.abs(theirs[finite]).max(initial=0.01)
        apart = ~(np.abs(mine - theirs) <= tolerance * scale)
    return np.where(np.isfinite(mine) & finite, apart, np.isfinite(mine) != finite)
