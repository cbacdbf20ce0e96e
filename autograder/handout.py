"""`./course handout`: one zip with all that learners need where nbgrader's exchange is not used.

Covers: released notebooks of a class, `attention_lab` with its scripts and the sheets of these lessons, the data,
pinned requirements and a page that tells how to start. Nothing of `solutions` or `autograder` goes in, nor anything
else of the class. The same class gives the same bytes.
"""

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import distribution, version
from importlib.util import find_spec
from pathlib import Path

import nbformat
from attention_lab.sentences import DATA

from autograder import nbgrader_plugin
from autograder.class_settings import read_settings
from autograder.lab import lesson_called
from autograder.lesson import PROJECT
from autograder.nbgrader_marks import exercises_in, marks
from autograder.problem import Problem
from autograder.unfold import BEGIN

TOP = "attention-lab"  # the folder that is unpacked
REQUIREMENTS = (  # what lessons import, and where notebooks are opened
    *("numpy", "torch", "matplotlib", "pillow", "anywidget", "platformdirs"),
    *("jupyterlab", "notebook", "ipykernel", "ipython"),
)
LICENCES = ("LICENSE", "LICENSE-lessons")
PACKAGE_FILES = (".py", ".js", ".css", ".npz")
DATA_FILES = (".npy", ".npz", ".json", ".md", ".txt", "LICENSE")
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can hold

HAND_IN = "Hand in the notebook itself, under the name it has now, where your instructor told you to. Nothing else."
README = """# Attention Lab

Self-attention, from one real sentence up to the GPU. Every exercise is checked at once, on your own machine.

## Start

You need Python 3.11 or newer, about 2 GB of disk, and a network for the second command. In this folder:

```
python3 -m venv .venv
.venv/bin/pip install -r requirements.txt
.venv/bin/jupyter lab {first}
```

On Windows, type `py` for `python3`, and `.venv\\Scripts\\` for `.venv/bin/`. On Linux, pip takes PyTorch with CUDA,
which is several times larger than the CPU build and no better for these lessons. PyTorch's installation page names the
address of the CPU build (for pip: `--extra-index-url ADDRESS`).

## Work

{lessons}

Write where it says `YOUR CODE HERE`, run the cell, and run the next one: it says what is right, or which mistake it is.
Leave the notebooks in this folder, beside `attention_lab` and `data`. `attention_lab.progress()` in a notebook shows
what you have done; that is kept on your machine alone, and `ATTENTION_LAB_PROGRESS=off` turns it off.

## Hand in

{hand_in}

## Licences

Code: MIT (`LICENSE`). Lessons: CC BY 4.0 (`LICENSE-lessons`). The vectors and weights: Apache-2.0 (`data/LICENSE`).
"""


@dataclass(frozen=True)
class Handout:
    """The zip that was written, and the lessons in it."""

    path: Path
    lessons: tuple[str, ...]
    replaced: bool


def make_handout(directory: Path, asked: list[str], to: Path | None = None, hand_in: str = HAND_IN) -> Handout:
    """Write the zip for the lessons asked for, which are released if they are not yet; or for all that are released."""
    directory = directory.expanduser().resolve()
    read_settings(directory)  # tells where there is no class
    lessons = _lessons(directory, asked)
    released = {f"{lesson}.ipynb": _released(directory, lesson) for lesson in lessons}
    exercises = set(exercises_in(nbformat.reads(raw.decode(), as_version=4) for raw in released.values()))
    path = (to.expanduser() if to else directory / f"{TOP}.zip").resolve()
    replaced = path.exists()
    _write(path, zipped({**released, **dict(_beside(lessons, exercises, hand_in))}))
    return Handout(path, lessons, replaced)


def zipped(files: dict[str, bytes]) -> bytes:
    """The files in one folder of a zip: the same files, the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{TOP}/{name}", LONG_AGO)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16  # as on Linux, wherever it is made
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def _lessons(directory: Path, asked: list[str]) -> tuple[str, ...]:
    there = sorted(path.name for path in (directory / "source").iterdir() if (path / f"{path.name}.ipynb").is_file())
    if not there:
        raise Problem(f"{directory} has no lesson in its folder `source`.")
    wanted = {lesson_called(name, there) for name in asked} or {
        name for name in there if _release(directory, name).is_file()
    }
    if not wanted:
        raise Problem(
            f"No lesson is released yet. Name those to hand out, such as `course handout {directory.name} 1`."
        )
    return tuple(lesson for lesson in there if lesson in wanted)


def _release(directory: Path, lesson: str) -> Path:
    return directory / "release" / lesson / f"{lesson}.ipynb"


def _released(directory: Path, lesson: str) -> bytes:
    """A lesson's notebook for learners, made by nbgrader where it is missing."""
    path = _release(directory, lesson)
    if not path.is_file():
        nbgrader_plugin.run(directory, "generate_assignment", lesson)
    try:
        raw = path.read_bytes()
        cells = nbformat.reads(raw.decode(), as_version=4).cells
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise Problem(f"{path} cannot be read: {error}") from error
    if BEGIN.encode() in raw or not any(marks(cell.metadata) for cell in cells):
        raise Problem(f"{path} holds answers, or is no release. Make it anew: `nbgrader generate_assignment {lesson}`.")
    return raw


def _beside(lessons: tuple[str, ...], exercises: set[str], hand_in: str) -> Iterator[tuple[str, bytes]]:
    """Everything but the notebooks: where it lies, and what it holds."""
    listed = "\n".join(f"- `{lesson}.ipynb`" for lesson in lessons)
    yield "README.md", README.format(first=f"{lessons[0]}.ipynb", lessons=listed, hand_in=hand_in.strip()).encode()
    pins = (f"{name}=={version(name).partition('+')[0]}" for name in sorted(REQUIREMENTS))
    yield "requirements.txt", ("\n".join(pins) + "\n").encode()
    for name in LICENCES:
        yield name, _licence(name)
    package = Path(find_spec("attention_lab").origin).parent
    for path in package.rglob("*"):
        within = path.relative_to(package)
        # the sheet of a later lesson's quiz would tell its answers
        if within.parts[0] == "sheets" and path.stem not in exercises:
            continue
        if path.suffix in PACKAGE_FILES and within.parts[0] not in ("data", "lessons"):
            yield f"attention_lab/{within.as_posix()}", path.read_bytes()
    for path in DATA.rglob("*"):
        if path.name.endswith(DATA_FILES):
            yield f"data/{path.relative_to(DATA).as_posix()}", path.read_bytes()


def _licence(name: str) -> bytes:
    if (PROJECT / name).is_file():
        return (PROJECT / name).read_bytes()
    return distribution("attention-lab").read_text(f"licenses/{name}").encode()


def _write(path: Path, content: bytes) -> None:
    """The whole file or none."""
    half = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        half.write_bytes(content)
        os.replace(half, path)
    except OSError as error:
        with suppress(OSError):
            half.unlink()
        raise Problem(f"{path} cannot be written: {error.strerror or error}.") from error
