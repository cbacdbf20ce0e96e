"""Opens a lesson in JupyterLab."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from autograder.problem import Problem


def split_lesson(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The lesson asked for, if any, and what is left for JupyterLab: an option is never a lesson."""
    if arguments and not arguments[0].startswith("-"):
        return arguments[0], arguments[1:]
    return None, arguments


def find_lesson(asked: str | None, lessons: Path) -> Path:
    """The notebook that "1", "01", "intuition" or "01_intuition" means; None is the first."""
    found = sorted(lessons.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise Problem(f"There is no lesson in {lessons}. `./course build` makes them from lessons/source.")
    if asked is None:
        return found[0]
    return lessons / f"{lesson_called(asked, [path.stem for path in found])}.ipynb"


def lesson_called(asked: str, lessons: Iterable[str]) -> str:
    """Which of the lessons is meant: by its name, with or without the number, or by the number alone."""
    lessons = list(lessons)
    wanted = asked.lower().removesuffix(".ipynb").replace("-", "_")
    for stem in lessons:
        number, _, name = stem.partition("_")
        same_number = wanted.isdecimal() and number.isdecimal() and int(wanted) == int(number)
        if wanted and (wanted in (stem, number, name) or same_number):
            return stem
    raise Problem(f'There is no lesson "{asked}". The lessons are {", ".join(lessons)}; a number is enough.')


def own_copies(packaged: Path, folder: Path) -> Path:
    """The lessons of an installed package in a folder of the learner's; what is already there stays as it is."""
    try:
        folder.mkdir(exist_ok=True)
        for lesson in sorted(packaged.glob("[0-9][0-9]_*.ipynb")):
            with suppress(FileExistsError), open(folder / lesson.name, "xb") as copy:
                copy.write(lesson.read_bytes())
    except OSError as error:
        raise Problem(f"The lessons cannot be copied to {folder}: {error.strerror}.") from error
    return folder


def open_lab(arguments: list[str], root: Path) -> None:
    """Becomes JupyterLab, opened on the lesson asked for; never returns.

    In a checkout the lessons lie there; an installed package has them copied to the folder `attention-lab` first.

    The settings beside this file leave out what only an instructor needs, Jupyter's question about news, and all but
    the warnings of the server's log.
    """
    asked, options = split_lesson(arguments)
    lessons = root / "lessons"
    if not lessons.is_dir():
        lessons = own_copies(Path(find_spec("attention_lab").origin).with_name("lessons"), Path.cwd() / "attention-lab")
    notebook = find_lesson(asked, lessons)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={notebook.parent}"]
    command += [f"--LabApp.default_url=/lab/tree/{notebook.name}", *options]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container, root is who learns
        command.append("--allow-root")
    settings = [str(Path(__file__).with_name("lab_settings")), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    environment = os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, settings))}
    print(f"JupyterLab opens on {notebook.stem}. Ctrl-C, twice, ends it.", flush=True)
    os.execve(sys.executable, command, environment)
