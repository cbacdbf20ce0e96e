"""`check(function)`: judge an exercise where it was written, with the published sheet."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from attention_lab.feedback import verdict_html, verdict_text
from attention_lab.judge import judge
from attention_lab.leftovers import with_leftovers
from attention_lab.progress_file import remember
from attention_lab.sheet import PUBLISHED, Sheet, load_sheet
from attention_lab.verdict import Verdict


class Score(float):
    """The points as a number (its text is that number alone, which nbgrader reads), and the verdict beside it."""

    verdict: Verdict

    def __new__(cls, verdict: Verdict):
        score = super().__new__(cls, verdict.points)
        score.verdict = verdict
        return score

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(float(self)), "text/html": verdict_html(self.verdict)}


def check(function: Callable) -> Score:
    """Judge `function` and show what holds or what is wrong → its points, as a `Score`.

    The exercise is the one whose name the function is bound to where `check` is called; a lambda or a partial will do.
    In a terminal the verdict is printed; in a notebook it is the output of the cell.
    """
    if not exercise_names():
        print("There are no practice sheets here: while a notebook is graded, its exercises are judged from outside.")
        return Score(Verdict("", (), "", started=False))
    name = _exercise_name(function, sys._getframe(1).f_globals)
    verdict = with_leftovers(judge(published_sheet(name), function), function)
    remember(verdict, datetime.now(UTC))
    if "IPython" not in sys.modules or not _in_notebook():
        print(verdict_text(verdict))
    return Score(verdict)


@cache
def published_sheet(exercise: str) -> Sheet:
    """The sheet that learners practise with."""
    return load_sheet(PUBLISHED / f"{exercise}.npz")


def exercise_names() -> tuple[str, ...]:
    """The exercises that can be checked."""
    return tuple(sorted(path.stem for path in PUBLISHED.glob("*.npz")))


def _exercise_name(function, names: dict) -> str:
    known = exercise_names()
    bound = [name for name in known if names.get(name) is function]
    own = getattr(function, "__name__", None)
    if own in known and (own in bound or not bound):
        return own
    if bound:
        return bound[0]
    raise ValueError(
        f"check() knows no exercise called {own or function!r}. It takes one of the functions of the lessons: "
        f"{', '.join(known)}."
    )


def _in_notebook() -> bool:
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
