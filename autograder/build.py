"""Builds what learners get: notebooks from lessons/source, sheets from the exercises."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder import notebooks
from autograder.colab import repository, with_colab_cell
from autograder.lesson import Lesson, lesson_sources, read_lesson
from autograder.lesson_rules import check_rules

PUBLISHED_SEED = 2017  # of the sheets that learners have; a grading seed is the instructor's own


def build_all(root: Path, instructor: Path | None, console) -> list[Path]:
    """Brings every built file of the project at `root` up to date, and returns those that changed.

    With `instructor`, the lessons are also run from top to bottom with their answers, and saved there.
    """
    exercises = all_exercises()
    lessons = read_lessons(root, exercises)
    changed = []
    for path, text in learner_files(lessons, exercises, root):
        if _differs(path, text):
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(path)
    for path, sheet in stale_sheets(root, exercises):
        path.parent.mkdir(exist_ok=True)
        sheet.save(path)
        changed.append(path)
    for path in changed:
        console.print(f"wrote {path.relative_to(root)}")
    for path in orphans(lessons, exercises, root):
        path.unlink()
        changed.append(path)
        console.print(f"removed {path.relative_to(root)}, whose source is gone")
    if instructor is not None:
        write_instructor_notebooks(lessons, exercises, root, instructor, console)
    return changed


def check_is_current(root: Path) -> list[Path]:
    """The built files that a build would change."""
    exercises = all_exercises()
    lessons = read_lessons(root, exercises)
    stale = [path for path, text in learner_files(lessons, exercises, root) if _differs(path, text)]
    stale += [path for path, _ in stale_sheets(root, exercises)]
    return stale + orphans(lessons, exercises, root)


def write_instructor_notebooks(lessons, exercises: Mapping, root: Path, directory: Path, console) -> None:
    """Runs each lesson with its answers and saves it, outputs and all, in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    for lesson in lessons:
        with console.status(f"running {lesson.stem} from top to bottom"):
            notebook = notebooks.instructor_notebook(lesson, exercises, root)
        path = directory / f"{lesson.stem}.ipynb"
        path.write_text(notebooks.text(notebook), encoding="utf-8", newline="\n")
        console.print(f"ran {path}")


def all_exercises() -> Mapping:
    """The exercises of every lesson by id, in lesson order."""
    from autograder.exercises import EXERCISES

    return EXERCISES


def read_lessons(root: Path, exercises: Mapping) -> list[Lesson]:
    """Every lesson of the project, each known to keep the rules."""
    address = repository(root)
    lessons = [with_colab_cell(read_lesson(path), address) for path in lesson_sources(root)]
    for lesson in lessons:
        check_rules(lesson, exercises)
    return lessons


def learner_files(lessons: list[Lesson], exercises: Mapping, root: Path) -> Iterator[tuple[Path, str]]:
    """Where each learner's notebook belongs, and what it must hold."""
    for lesson in lessons:
        notebook = notebooks.learner_notebook(lesson, exercises, root)
        yield root / "lessons" / f"{lesson.stem}.ipynb", notebooks.text(notebook)


def stale_sheets(root: Path, exercises: Mapping) -> Iterator[tuple[Path, object]]:
    """The published sheets that are missing or disagree with their exercise, freshly compiled.

    A sheet that agrees stays as it is: another processor may differ in the last bit of a float.
    """
    from autograder.exercises import compile_sheet

    for name, exercise in exercises.items():
        path = _sheets(root) / f"{name}.npz"
        sheet = compile_sheet(exercise, seed=PUBLISHED_SEED)
        if not path.is_file() or not _agrees(path, sheet):
            yield path, sheet


def _agrees(path: Path, sheet) -> bool:
    from attention_lab.sheet import load_sheet

    try:
        return load_sheet(path).agrees_with(sheet)
    except (KeyError, TypeError, ValueError):  # it was written in an older form
        return False


def orphans(lessons: list[Lesson], exercises: Mapping, root: Path) -> list[Path]:
    """Built files whose lesson or exercise is no more."""
    built = {root / "lessons" / f"{lesson.stem}.ipynb" for lesson in lessons}
    built |= {_sheets(root) / f"{name}.npz" for name in exercises}
    found = [*(root / "lessons").glob("[0-9][0-9]_*.ipynb"), *_sheets(root).glob("*.npz")]
    return sorted(path for path in found if path not in built)


def _sheets(root: Path) -> Path:
    return root / "lessons" / "attention_lab" / "sheets"


def _differs(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_bytes() != text.encode()
