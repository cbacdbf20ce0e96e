"""`./course bench jail`: what one submission costs beside its own work, begun cold and warm: jail, runner and judge."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from attention_lab.judge import judge
from rich.table import Table

from autograder.exercises import EXERCISES, compile_sheet
from autograder.jail import why_no_jail
from autograder.jail_processes import own_megabytes_of, seconds_of, tree
from autograder.problem import Problem
from autograder.session import Limits, open_session

REPEATS = 7
BEGINNINGS = {"cold": Limits(warm=False), "warm": Limits()}
LOADS = {
    "nothing": "",
    "numpy": "import numpy",
    "numpy, torch, pyplot": "import numpy, torch, matplotlib.pyplot",
}
FIRST = "\ndef first(x): return x"
ANSWER = """import numpy as np
def softmax(scores, axis=-1):
    e = np.exp(scores - np.max(scores, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)"""


@dataclass(frozen=True)
class Cost:
    """Of one submission: seconds until its first call has returned and until it is gone, of processors, and memory."""

    until_called: float
    until_gone: float
    processor: float
    megabytes: float


def jail_table() -> Table:
    """Medians of a few runs, and means of processor seconds; raises Problem where there is no jail."""
    if why := why_no_jail():
        raise Problem(why)
    table = Table("notebook loads", "begins", title=f"One submission's own overhead (medians of {REPEATS})")
    for column in ("to first call, s", "until gone, s", "processor, s", "own MB"):
        table.add_column(column, justify="right")
    for name, source in LOADS.items():
        for beginning, limits in BEGINNINGS.items():
            cost = cost_of(source, limits)
            seconds = (f"{value:.3f}" for value in (cost.until_called, cost.until_gone, cost.processor))
            table.add_row(name, beginning, *seconds, f"{cost.megabytes:.0f}")
        table.add_section()
    sheet = compile_sheet(EXERCISES["softmax"], seed=1)
    with open_session([("cell", ANSWER)]) as session:
        seconds = _median(lambda: judge(sheet, session.function("softmax")))
    table.add_row(f"{len(sheet.cases)} calls to judge softmax", "", f"{seconds:.3f}")
    return table


def cost_of(source: str, limits: Limits) -> Cost:
    """What a submission of one cell costs. Loading for all of them, once, is not counted."""
    open_session([("cell", source + FIRST)], limits).close()
    called, gone, megabytes = [], [], []
    used = -seconds_of(tree(os.getpid()))
    for _ in range(REPEATS):
        began = time.perf_counter()
        with open_session([("cell", source + FIRST)], limits) as session:
            session.function("first")(1.0)
            called.append(time.perf_counter() - began)
            inside = session._jailed.processes()
            megabytes.append(own_megabytes_of(inside))
            used += seconds_of(inside)  # which the kernel tells nobody when it has ended them
            looked = time.perf_counter()
        gone.append(called[-1] + time.perf_counter() - looked)
    used += seconds_of(tree(os.getpid()))
    return Cost(statistics.median(called), statistics.median(gone), used / REPEATS, statistics.median(megabytes))


def _median(work: Callable) -> float:
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)
