"""What a class earned: a table of learners and exercises with points, and the mistakes that grading named."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from autograder.nbgrader_marks import grade_id_of, is_solution, marks

NARROW = 125  # columns of a terminal in which the names of the exercises have no room
_NAMED = re.compile(r'data-misconceptions="([^"]+)"')
_STOPPED = re.compile(r"stopped with (?:<[^>]*>)*(\w+)")


@dataclass(frozen=True)
class Seen:
    """What grading wrote into a notebook: by exercise in a word or two, of the whole, and whether it failed itself."""

    words: dict[str, list[str]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    failed: bool = False


def result_table(
    directory: Path, lesson: str, learners: Mapping[str, str], recorded: Iterable[tuple[str, str, float]], width: int
) -> Table:
    """One row a learner (id → name) who has a grade, one column an exercise: points and graded notebooks.

    recorded: learner, graded cell and points, as the gradebook has them
    """
    points = {(learner, cell): earned for learner, cell, earned in recorded}
    most = _available(directory / "release" / lesson / f"{lesson}.ipynb")
    table = Table(title=lesson, title_justify="left", show_footer=True, box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column("learner", footer="of", no_wrap=True)
    for number, (name, available) in enumerate(most.items(), 1):
        header = str(number) if width < NARROW else escape(_exercise(name).replace("_", "\n"))
        table.add_column(header, footer=f"{available:g}", justify="right", no_wrap=True, vertical="bottom")
    table.add_column("sum", footer=f"{sum(most.values()):g}", justify="right", no_wrap=True)
    table.add_column("what grading saw", overflow="fold")
    if width < NARROW:
        table.caption = "   ".join(f"{number}={_exercise(name)}" for number, name in enumerate(most, 1))
    for learner, called in learners.items():
        earned = [points.get((learner, name)) for name in most]
        graded = directory / "autograded" / learner / lesson / f"{lesson}.ipynb"
        if not graded.is_file() or None in earned:
            table.add_row(escape(called), *["–" for _ in most], "–", "no grade")
            continue
        shown = [_coloured(got, available) for got, available in zip(earned, most.values(), strict=True)]
        table.add_row(escape(called), *shown, f"{sum(earned):g}", escape(_in_short(observations(graded))))
    return table


def _available(released: Path) -> dict[str, float]:
    """The grade cells of a lesson, in its order, and the points of each."""
    cells = (marks(cell.metadata) for cell in nbformat.read(released, as_version=4).cells)
    return {found["grade_id"]: found["points"] for found in cells if found.get("grade")}


def _exercise(grade_id: str) -> str:
    return grade_id.removeprefix("check-")


def observations(graded: Path) -> Seen:
    """What a graded notebook says: the mistakes named by exercise, or why there are none, and the remarks."""
    notebook = json.loads(graded.read_bytes())  # ours: nbformat would look for mistakes in it, which takes longer
    words, errors = {}, {}
    for cell in notebook["cells"]:
        about, outputs = cell["metadata"], cell.get("outputs", ())
        if is_solution(about):
            errors[grade_id_of(about)] = [output["ename"] for output in outputs if output["output_type"] == "error"]
        elif marks(about).get("grade"):
            name = _exercise(grade_id_of(about))
            cards = (output.get("data", {}).get("text/html", "") for output in outputs)
            words[name] = errors.get(name) or _words("".join("".join(card) for card in cards))
    about = notebook["metadata"].get("attention_lab", {})
    return Seen(words, tuple(about.get("remarks", ())), about.get("grading_failed", False))


def _in_short(seen: Seen) -> str:
    if seen.failed:
        return "grading failed: see the notebook, and grade again"
    if seen.remarks:
        return " ".join(seen.remarks).replace("`", "")
    return ", ".join(dict.fromkeys(word for words in seen.words.values() for word in words))


def _words(card: str) -> list[str]:
    """A verdict's card in a word or two; nothing where all is well."""
    if named := _NAMED.search(card):
        return named[1].split()
    if "not started yet" in card:
        return ["not started"]
    return _STOPPED.findall(card)[:1] or (["no name fits"] if "✗" in card else [])


def _coloured(earned: float, available: float) -> str:
    colour = "green" if earned == available else "red" if earned == 0 else "yellow"
    return f"[{colour}]{earned:g}[/{colour}]"
