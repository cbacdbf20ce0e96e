"""What a lesson must keep to, beside running: known exercises, short cells, short stretches of prose."""

import re
from collections.abc import Mapping

from autograder.lesson import CODE, EXERCISE, GIVEN, PROSE, Lesson
from autograder.problem import Problem

LONGEST_CODE_CELL = 12  # lines
LONGEST_LINE = 100  # characters: what fits beside JupyterLab's side bar
LONGEST_PROSE = 150  # words between two code cells

_NOT_PROSE = [
    (r"<!--.*?-->", re.DOTALL),
    (r"<details.*?</details>", re.DOTALL | re.IGNORECASE),  # folded hints
    (r"<table.*?</table>", re.DOTALL | re.IGNORECASE),
    (r"^\s*(```|~~~).*?^\s*\1", re.DOTALL | re.MULTILINE),
    (r"\$\$.*?\$\$", re.DOTALL),
    (r"^\s*\|.*$", re.MULTILINE),  # rows of tables
    (r"<[^>]+>", 0),
    (r"\]\([^)]*\)", 0),  # where a link leads
]

_IMPORTS_ANSWERS = re.compile(r"^\s*(from|import)\s+(solutions|autograder)\b", re.MULTILINE)


def check_rules(lesson: Lesson, exercises: Mapping) -> None:
    """Raises the first way in which `lesson` breaks a rule; `exercises` are those of the project, by id."""
    for rule in (
        _exercises_are_known,
        _every_exercise_is_there,
        _answers_stay_in_solutions,
        _cells_are_short,
        _prose_is_short,
    ):
        try:
            rule(lesson, exercises)
        except Problem as problem:
            raise Problem(f"{lesson.stem}.md: {problem}") from None


def prose_words(text: str) -> int:
    """The words a reader meets in markdown, without folded hints, tables, formulas, tags and addresses."""
    for pattern, flags in _NOT_PROSE:
        text = re.sub(pattern, " ", text, flags=flags)
    return sum(any(letter.isalnum() for letter in word) for word in text.split())


def _exercises_are_known(lesson, exercises) -> None:
    for name in lesson.exercises:
        if name not in exercises:
            raise Problem(f"the exercise `{name}` is not in autograder/exercises, so nothing could judge it.")
        if exercises[name].lesson != lesson.stem:
            home = exercises[name].lesson
            raise Problem(f"the exercise `{name}` belongs to the lesson {home}; here it can be a `given` cell.")
        if lesson.exercises.count(name) > 1:
            raise Problem(f"the exercise `{name}` stands in the lesson twice.")


def _every_exercise_is_there(lesson, exercises) -> None:
    missing = [
        name for name, exercise in exercises.items() if exercise.lesson == lesson.stem and name not in lesson.exercises
    ]
    if missing:
        raise Problem(f"the lesson has no exercise cell for `{missing[0]}`, which autograder/exercises gives it.")


def _answers_stay_in_solutions(lesson, exercises) -> None:
    for cell in lesson.cells:
        if cell.kind == CODE and _IMPORTS_ANSWERS.search(cell.text):
            raise Problem(f"the cell {cell} would show learners where answers are; tag it `exercise` or `given`.")


def _cells_are_short(lesson, exercises) -> None:
    for cell in lesson.cells:
        lines = len(cell.text.splitlines())
        if cell.kind not in (PROSE, EXERCISE, GIVEN) and lines > LONGEST_CODE_CELL:
            raise Problem(f"the code cell {cell} has {lines} lines; at most {LONGEST_CODE_CELL} may be.")
        longest = max(cell.text.splitlines(), key=len)
        if cell.kind != PROSE and len(longest) > LONGEST_LINE:
            raise Problem(f"the line `{longest[:40]}…` has {len(longest)} characters; at most {LONGEST_LINE} may be.")


def _prose_is_short(lesson, exercises) -> None:
    words, before = 0, None
    for cell in lesson.cells:
        if cell.kind == PROSE:
            words += prose_words(cell.text)
            continue
        if before is not None and words > LONGEST_PROSE:
            raise Problem(f"{words} words between the code cells {before} and {cell}; {LONGEST_PROSE} may be.")
        words, before = 0, cell
