"""`./course progress`: a learner's own table, in the terminal."""

from attention_lab.progress_file import forget, place
from attention_lab.progress_table import Progress, progress
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.problem import Problem

COLOURS = {"done": "green", "tried": "yellow", "": "dim"}


def show_progress(console: Console) -> None:
    """Print every exercise: done or tried, its points, and the mistakes that were met."""
    made = progress()
    console.print(_table(made))
    console.print(made.note.replace("`", ""), markup=False, soft_wrap=True)


def forget_progress(console: Console) -> None:
    """Delete what checks have remembered."""
    try:
        forgotten = forget()
    except OSError as error:
        raise Problem(f"{place()} could not be deleted: {error.strerror or error}.") from error
    console.print("Forgotten." if forgotten else "There was nothing to forget.")


def _table(made: Progress) -> Table:
    done = sum(row.passed for row in made.rows)
    table = Table(title=f"{done} of {len(made.rows)} exercises done", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("exercise", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("checks", justify="right")
    table.add_column("mistakes met", overflow="fold")
    lesson = None
    for row in made.rows:
        if row.lesson != lesson:
            lesson = row.lesson
            table.add_row(f"[b]{escape(lesson)}[/b]")
        mark = {"done": "✓ done", "tried": "✗ tried", "": "–"}[row.state]
        mistakes = escape("\n".join(row.mistakes).replace("`", "").replace("**", ""))
        cells = (f"{row.points:g} of {row.max_points:g}", str(row.tries or ""), mistakes)
        table.add_row(f"  {escape(row.exercise)}", f"[{COLOURS[row.state]}]{mark}[/]", *cells)
    return table
