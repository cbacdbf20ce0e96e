"""`progress()`: a learner's own table of lessons and exercises, from what checks have remembered on this machine."""

import html
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from attention_lab.check import exercise_names, published_sheet
from attention_lab.feedback import marked
from attention_lab.progress_file import OFF, VARIABLE, entries, place, together

HERE = Path(__file__).resolve().parent
NOTEBOOKS = (HERE / "lessons", HERE.parent)  # in an installed package; in a checkout, or in what a class was handed
CELL = "text-align:left;vertical-align:top;padding:.15em .9em .15em 0"


@dataclass(frozen=True)
class Row:
    """An exercise: the most points that were earned, how often it was checked, and the mistakes that were met."""

    lesson: str
    exercise: str
    points: float
    max_points: float
    passed: bool
    tries: int
    mistakes: tuple[str, ...]

    @property
    def state(self) -> str:
        """In one word: done, tried, or nothing yet."""
        return "done" if self.passed else "tried" if self.tries else ""


class Progress:
    """What `progress()` returns: `rows`, shown as a table."""

    def __init__(self, rows: tuple[Row, ...], note: str):
        self.rows, self.note = rows, note

    def __repr__(self) -> str:
        lines = [
            f"{row.state or '–':6}{row.exercise:32}{row.points:g} of {row.max_points:g}, checked {row.tries} times"
            for row in self.rows
        ]
        return "\n".join([*lines, self.note])

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th scope="col" style="{CELL}">{name}</th>'
            for name in ("exercise", "", "points", "checks", "mistakes met")
        )
        body, lesson = [], None
        for row in self.rows:
            if row.lesson != lesson:
                lesson = row.lesson
                body.append(f'<tr><th scope="rowgroup" colspan="5" style="{CELL}">{html.escape(lesson)}</th></tr>')
            body.append(_row_html(row))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table><p>{marked(self.note)}</p>"


def progress() -> Progress:
    """What you have done so far: each exercise, its points, how often it was checked, and the mistakes you met."""
    return Progress(tuple(_rows()), _note())


def _rows() -> Iterator[Row]:
    remembered = together(entries())
    for lesson, exercise, available in _exercises():
        entry = remembered.pop(exercise, {"points": 0.0, "passed": False, "tries": 0, "misconceptions": []})
        mistakes = tuple(_sentence(exercise, name) for name in entry["misconceptions"])
        yield Row(lesson, exercise, entry["points"], available, entry["passed"], entry["tries"], mistakes)


def _exercises() -> Iterator[tuple[str, str, float]]:
    """Lesson, exercise and points: as the notebooks tell, and then those that no notebook has."""
    found = set()
    for folder in NOTEBOOKS:
        for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # it is the learner's own file
                for exercise, available in _checked_in(json.loads(path.read_text(encoding="utf-8"))):
                    if exercise not in found:
                        found.add(exercise)
                        yield _title(path.stem), exercise, available
    for exercise in exercise_names():
        if exercise not in found:
            sheet = published_sheet(exercise)
            yield "in other notebooks", exercise, float(sum(part.points for part in sheet.parts))


def _checked_in(notebook: dict) -> Iterator[tuple[str, float]]:
    known = exercise_names()
    for cell in notebook["cells"]:
        graded = cell.get("metadata", {}).get("nbgrader", {})
        exercise = str(graded.get("grade_id", "")).removeprefix("check-")
        if graded.get("grade") and exercise in known:
            yield exercise, float(graded["points"])


def _title(stem: str) -> str:
    number, _, name = stem.partition("_")
    return f"{int(number)} · {name.replace('_', ' ').capitalize()}"


def _sentence(exercise: str, mistake: str) -> str:
    known = published_sheet(exercise).mistakes
    return known[mistake].matches if mistake in known else mistake.replace("-", " ")


def _note() -> str:
    path = place()
    if path is None:
        return f"Nothing is remembered: the variable {VARIABLE} says so."
    home = Path(os.path.expanduser("~"))
    shown = Path("~", path.relative_to(home)) if path.is_relative_to(home) else path  # a notebook may be handed in
    return f"Kept in `{shown}`, on this machine alone. {VARIABLE}={OFF} turns it off."


def _row_html(row: Row) -> str:
    mark = {"done": "✓ done", "tried": "✗ tried", "": "–"}[row.state]
    mistakes = "<br>".join(marked(text) for text in row.mistakes)
    cells = (f"{row.points:g} of {row.max_points:g}", row.tries or "", mistakes)
    inside = f'<th scope="row" style="{CELL};font-weight:normal"><code>{html.escape(row.exercise)}</code></th>'
    inside += "".join(f'<td style="{CELL}">{cell}</td>' for cell in (mark, *cells))
    return f"<tr>{inside}</tr>"
