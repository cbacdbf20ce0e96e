"""What a class did in each exercise: the gradebook's points, and the verdicts that grading wrote into the notebooks.

Points come from the gradebook alone, where a person may have corrected them. A notebook without verdicts was graded by
hand, or by a version of this project that kept none.
"""

import builtins
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import nbformat
from attention_lab.verdict import Verdict

from autograder.class_gradebook import Due, Handed, Learner, Records
from autograder.grading import OURS
from autograder.kept_verdicts import kept_in
from autograder.nbgrader_marks import grade_id_of, is_solution, marks

_STOPPED = re.compile(r"stopped with `(\w+)")


@dataclass(frozen=True)
class Result:
    """One learner's result in one exercise; `kind` says in a word or two what went wrong where no mistake was named."""

    learner: str
    exercise: str
    points: float
    passed: bool
    verdict: Verdict | None = None
    kind: str = ""

    @property
    def misconceptions(self) -> tuple[str, ...]:
        return self.verdict.misconceptions if self.verdict else ()


@dataclass(frozen=True)
class Exercise:
    """An exercise of a lesson with its points, and the heading under which it stands there."""

    name: str
    points: float
    heading: str
    results: tuple[Result, ...]

    @property
    def share(self) -> float:
        """The share of its points that the class earned."""
        return sum(result.points for result in self.results) / (self.points * len(self.results) or 1)

    @property
    def passed(self) -> int:
        return sum(result.passed for result in self.results)

    def parts(self) -> list[tuple[str, float, int, int]]:
        """Each part with its points, how many earned it, and of how many that is known."""
        found = {}
        for result in self.results:
            for part in result.verdict.parts if result.verdict else ():
                count = found.setdefault((part.name, part.points), [0, 0])
                count[0] += part.earned
                count[1] += 1
        return [(name, points, earned, known) for (name, points), (earned, known) in found.items()]


@dataclass(frozen=True)
class LessonResults:
    """A lesson: its exercises in their order, what was handed in, and whose notebooks hold no verdicts."""

    due: Due
    title: str
    exercises: tuple[Exercise, ...]
    handed: tuple[Handed, ...]
    enrolled: tuple[Learner, ...]
    without_verdicts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.due.name


def lesson_results(directory: Path, records: Records, lesson: Due) -> LessonResults:
    """What the class at `directory` did in one lesson."""
    handed = records.of(lesson.name)
    kept = {learner: _kept(directory, learner, lesson.name) for learner in handed}
    title, headings = _headings(directory / "release" / lesson.name / f"{lesson.name}.ipynb")
    in_order = [cell for cell in headings if cell in lesson.most] + [
        cell for cell in lesson.most if cell not in headings
    ]
    exercises = []
    for cell in in_order:
        name, most = cell.removeprefix("check-"), lesson.most[cell]
        results = (
            _result(learner, name, work.points[cell], most, kept[learner][0].get(name), kept[learner][1])
            for learner, work in handed.items()
            if cell in work.points
        )
        exercises.append(Exercise(name, most, headings.get(cell, ""), tuple(results)))
    without = tuple(learner for learner, (verdicts, _) in kept.items() if not verdicts)
    return LessonResults(
        lesson, title or lesson.name, tuple(exercises), tuple(handed.values()), records.learners, without
    )


def _result(learner: str, exercise: str, points: float, most: float, verdict: Verdict | None, remarks) -> Result:
    passed = points >= most if most or verdict is None else verdict.passed
    kind = "" if passed or verdict is None or verdict.misconceptions else _kind(verdict, remarks)
    return Result(learner, exercise, points, passed, verdict, kind)


def _kind(verdict: Verdict, remarks: Sequence[str]) -> str:
    """What went wrong in a word or two, and not in words of the learner's."""
    if verdict.seen == OURS:
        return "grading itself failed"
    if verdict.seen in remarks or verdict.seen == " ".join(remarks):
        return "nothing to judge"
    if not verdict.started:
        return "not started"
    if stopped := _STOPPED.search(verdict.seen):
        known = isinstance(getattr(builtins, stopped[1], None), type)
        return f"stopped with {stopped[1] if known else 'an error of their own'}"
    return "wrong, and no name fits"


def _kept(directory: Path, learner: str, lesson: str) -> tuple[dict[str, Verdict], tuple[str, ...]]:
    if PurePath(learner).name != learner:  # no folder name: enrolled, and never graded here
        return {}, ()
    return kept_in(directory / "autograded" / learner / lesson / f"{lesson}.ipynb")


def _headings(released: Path) -> tuple[str, dict[str, str]]:
    """The title of a lesson, and the graded cells in their order with the heading that each stands under."""
    try:
        cells = nbformat.read(released, as_version=4).cells
    except (OSError, ValueError):
        return "", {}
    title, heading, found = "", "", {}
    for cell in cells:
        if cell.cell_type == "markdown":
            for line in _lines_of_prose(cell.source):
                if line.startswith("#") and (text := line.lstrip("#")).startswith(" "):
                    heading = text.strip()
                    title = title or heading
        elif marks(cell.metadata).get("grade") and not is_solution(cell.metadata):
            found[grade_id_of(cell.metadata)] = heading
    return title, found


def _lines_of_prose(source: str) -> Iterable[str]:
    """The lines of a Markdown cell that do not stand in a block of code."""
    in_code = False
    for line in source.splitlines():
        if line.startswith("```"):
            in_code = not in_code
        elif not in_code:
            yield line
