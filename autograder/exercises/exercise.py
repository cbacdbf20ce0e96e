"""What an exercise is made of: a reference, faults it may have, and cases to draw."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np


class Untold(Exception):
    """Raised by a model where the answer of a fault depends on how a learner writes it."""


class Raises(Exception):
    """Raised by a model where that a learner's function stops here is itself the sign.

    On whatever error; or, with one of the SIGNS of attention_lab.comparison, on one that speaks of that.
    """


@dataclass(frozen=True)
class Draft:
    """A candidate for a case: a call, and the part of the points it tests.

    `name` completes the sentence "With …" for a case that is not shown; tolerance and again are those of a Case;
    raises says that the right function raises an exception here.
    """

    part: str
    name: str
    arguments: dict
    keywords: tuple[str, ...] = ()
    shown: bool = False
    tolerance: float = 0.0
    again: dict | None = None
    raises: bool = False


@dataclass(frozen=True)
class Fault:
    """A wrong turn with a name.

    matches: completes "This matches …"; look_at: a question that leads out of it; slot: the step of the computation it
    changes (two faults of one slot cannot meet); variants: ways to write it, each a switch "id/variant" of the model.
    A quiet fault is explained in words, but its id is never among the misconceptions of a verdict: it is a slip of
    programming, or too rare to be counted over a class.
    """

    id: str
    slot: str
    matches: str
    look_at: str
    variants: tuple[str, ...] = ("",)
    quiet: bool = False

    @property
    def switches(self) -> tuple[str, ...]:
        return tuple(f"{self.id}/{variant}" if variant else self.id for variant in self.variants)


@dataclass(frozen=True)
class Exercise:
    """An exercise, before it is compiled to a sheet.

    reference(*arguments) is the right function; model(faults, *arguments) the same with faults switched on. shown()
    gives the small examples of every sheet, draw(rng) a handful of random candidates; parts maps the names of parts to
    points; sums says which outputs sum to one along which axis (a number or an argument's name); words are all that a
    learner may choose from, where the answers are words, and replies what to look at where one of them is the first
    wrong one ("{name}" stands for the output). driver, library and keeps_dtype are those of a Sheet; reference and
    model answer as the driver does. The pool of candidates is drawn in `rounds`: fewer where a model is slow.
    """

    id: str
    lesson: str
    reference: Callable
    model: Callable
    outputs: tuple[str, ...]
    parts: dict[str, float]
    success: str
    faults: tuple[Fault, ...]
    shown: Callable[[], Iterable[Draft]]
    draw: Callable[[np.random.Generator], Iterable[Draft]]
    sums: dict[str, int | str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    replies: dict[str, str] = field(default_factory=dict)
    driver: str = ""
    library: str = "numpy"
    keeps_dtype: bool = False
    rounds: int = 6

    @property
    def points(self) -> float:
        return sum(self.parts.values())


def grid(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> np.ndarray:
    """Normal numbers rounded to eighths: sums of their products are exact in float32 too."""
    return np.round(rng.normal(scale=scale, size=shape) * 8) / 8
