"""`./course progress`: a learner's own table, in the terminal."""

from attention_lab.progress_file import forget, place
from attention_lab.progress_table import Progress, progress
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.problem import Problem

WIDE = 120  # columns of a terminal in which mistakes fit beside the numbers; else they follow below
COLOURS = {"done": "green", "tried": "yellow", "": "dim"}


def show_progress(console: Console) -> None:
    """Print every exercise: done or tried, its points, and the mistakes that were met."""
    made, beside = progress(), console.width >= WIDE
    console.print(_table(made, beside))
    for row in () if beside else made.rows:
        if row.mistakes:
            console.print(f"[b]{escape(row.exercise)}[/b]")
            console.print("\n".join(f"  {_plain(mistake)}" for mistake in row.mistakes))
    console.print(made.note.replace("`", ""), markup=False, soft_wrap=True)


def forget_progress(console: Console) -> None:
    """Delete what checks have remembered."""
    try:
        forgotten = forget()
    except OSError as error:
        raise Problem(f"{place()} could not be deleted: {error.strerror or error}.") from error
    console.print("Forgotten." if forgotten else "There was nothing to forget.")


def _plain(mistake: str) -> str:
    return escape(mistake.replace("`", "").replace("**", ""))


def _table(made: Progress, with_mistakes: bool) -> Table:
    done = sum(row.passed for row in made.rows)
    table = Table(title=f"{done} of {len(made.rows)} exercises done", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("exercise", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("checks", justify="right")
    if with_mistakes:
        table.add_column("mistakes met", overflow="fold")
    lesson = None
    for row in made.rows:
        if row.lesson != lesson:
            lesson = row.lesson
            table.add_row(f"[b]{escape(lesson)}[/b]")
        mark = {"done": "✓ done", "tried": "✗ tried", "": "–"}[row.state]
        cells = [f"{row.points:g} of {row.max_points:g}", str(row.tries or "")]
        cells += ["\n".join(map(_plain, row.mistakes))] * with_mistakes
        table.add_row(f"  {escape(row.exercise)}", f"[{COLOURS[row.state]}]{mark}[/]", *cells)
    return table
