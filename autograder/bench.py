"""`./course bench check`: how long a learner waits for a verdict, warm and in a fresh kernel."""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from attention_lab.check import Score, published_sheet
from attention_lab.drivers import Driven
from attention_lab.judge import judge
from nbclient import NotebookClient
from rich.console import Console
from rich.table import Table

from autograder.bench_jail import jail_table
from autograder.checkout import must_be_checkout
from autograder.exercises import EXERCISES
from autograder.exercises.exercise import Exercise, Untold
from autograder.problem import Problem

REPEATS = 3
WARM_TARGET, FRESH_TARGET = 0.150, 2.5  # seconds; the first for 95 of 100 verdicts
IMPORTS = "import numpy as np\nfrom attention_lab import check"
ANSWER = """def softmax(scores, axis=-1):
    e = np.exp(scores - np.max(scores, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)"""


def run_bench(
    what: str, root: Path, console: Console, *, lessons: list[str] | None = None, submissions: int = 60, stock: int = 6
) -> None:
    """Measure, and print one table for each question. The last three are for grading alone."""
    if what not in ("check", "jail", "attention", "grading"):
        raise Problem(f'There is no benchmark "{what}". There are check, jail, attention and grading.')
    must_be_checkout(root)
    console.print(
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    )
    if what == "jail":
        with console.status("starting jails"):
            table = jail_table()
        console.print(table)
        return
    if what == "attention":
        from autograder.bench_attention import attention_tables  # loads PyTorch

        with console.status("computing attention"):
            for table in attention_tables():
                console.print(table)
        return
    if what == "grading":
        from autograder.bench_grading import grading_tables

        for table in grading_tables(root, lessons or ["1", "5"], submissions, min(stock, submissions), console):
            console.print(table)
        return
    with console.status("checking right and wrong functions"):
        table = _warm_table()
    console.print(table)
    with console.status("starting kernels"):
        table = _fresh_table(root)
    console.print(table)


def _warm_table() -> Table:
    table = Table(
        "exercise", title=f"A warm check, until its verdict is drawn (target: p95 < {WARM_TARGET * 1000:.0f} ms)"
    )
    for column in ("functions", "p50 ms", "p95 ms", "slowest ms"):
        table.add_column(column, justify="right")
    everything = []
    for name, exercise in EXERCISES.items():
        seconds = check_seconds(exercise)
        table.add_row(name, str(len(seconds) // REPEATS), *_summary(seconds))
        everything += seconds
    table.add_section()
    table.add_row("all", "", *_summary(everything))
    return table


def _summary(seconds: list[float]) -> tuple[str, ...]:
    marks = statistics.median(seconds), statistics.quantiles(seconds, n=20, method="inclusive")[-1], max(seconds)
    return tuple(f"{1000 * mark:.1f}" for mark in marks)


def _functions(exercise: Exercise) -> Iterator[Callable]:
    """The right function, one for every way to make every mistake, and one that raises."""

    def faulty(*arguments, faults, **keywords):
        try:
            return exercise.model(frozenset(faults), *arguments, **keywords)
        except Untold:
            return exercise.reference(*arguments, **keywords)

    yield exercise.reference
    yield lambda *arguments, **keywords: 1 / 0
    for fault in exercise.faults:
        for switch in fault.switches:
            yield lambda *arguments, _switch=switch, **keywords: faulty(*arguments, faults=(_switch,), **keywords)


def check_seconds(exercise: Exercise) -> list[float]:
    """What `check` takes in a notebook, to judge with the published sheet and to draw the card, right and wrong."""
    sheet = published_sheet(exercise.id)
    seconds = []
    for function in map(Driven, _functions(exercise)):
        for _ in range(REPEATS):
            start = time.perf_counter()
            Score(judge(sheet, function))._repr_mimebundle_()
            seconds.append(time.perf_counter() - start)
    return seconds


def _fresh_table(root: Path) -> Table:
    table = Table("cells run", title=f"A fresh kernel, until the first verdict (target: < {FRESH_TARGET:g} s)")
    for column in ("runs", "median s", "slowest s"):
        table.add_column(column, justify="right")
    lesson = nbformat.read(root / "lessons" / "01_intuition.ipynb", as_version=4)
    code = (cell for cell in lesson.cells if cell.cell_type == "code")
    first = next(cell.source for cell in code if "colab" not in cell.metadata.get("tags", ()))
    for label, imports in (
        ("import check; softmax; check", IMPORTS),
        ("the imports of lesson 1; softmax; check", first),
    ):
        seconds = [fresh_seconds(imports, root / "lessons") for _ in range(REPEATS + 2)]
        table.add_row(label, str(len(seconds)), f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}")
    return table


def fresh_seconds(imports: str, where: Path) -> float:
    cells = [nbformat.v4.new_code_cell(source) for source in (imports, ANSWER, "check(softmax)")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        resources={"metadata": {"path": str(where)}},
        extra_arguments=["--log-level=ERROR"],
    )
    start = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,  # progress is written as ever, but it is nobody's
        client.setup_kernel(env=os.environ | {"ATTENTION_LAB_PROGRESS": f"{folder}/progress.jsonl"}),
    ):
        for index, cell in enumerate(cells):
            client.execute_cell(cell, index)
        seconds = time.perf_counter() - start
    if cells[-1].outputs[0].data["text/plain"] != "4.0":
        raise Problem("The kernel did not give the verdict that it should; `./course test` may say why.")
    return seconds
