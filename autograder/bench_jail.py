"""`./course bench jail`: what one submission costs beside its own work: jail, runner and judge."""

import statistics
import time
from collections.abc import Callable

from attention_lab.judge import judge
from rich.table import Table

from autograder.exercises import EXERCISES, compile_sheet
from autograder.jail import why_no_jail
from autograder.problem import Problem
from autograder.session import open_session

REPEATS = 5
LOADS = {"nothing": "", "numpy": "import numpy", "numpy and torch": "import numpy, torch"}
ANSWER = """import numpy as np
def softmax(scores, axis=-1):
    e = np.exp(scores - np.max(scores, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)"""


def jail_table() -> Table:
    """Medians of a few runs; raises Problem where there is no jail."""
    if why := why_no_jail():
        raise Problem(why)
    table = Table("what", "seconds", title=f"One submission's own overhead (medians of {REPEATS})")
    for name, source in LOADS.items():
        seconds = _median(lambda source=source: open_session([("cell", source)]).close())
        table.add_row(f"a jail in which a notebook loads {name}", f"{seconds:.2f}")
    sheet = compile_sheet(EXERCISES["softmax"], seed=1)
    with open_session([("cell", ANSWER)]) as session:
        seconds = _median(lambda: judge(sheet, session.function("softmax")))
    table.add_row(f"judging softmax from outside, {len(sheet.cases)} calls", f"{seconds:.3f}")
    return table


def _median(work: Callable) -> float:
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)
