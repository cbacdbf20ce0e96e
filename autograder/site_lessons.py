"""The lessons as pages of the site: run once, with the reference answers folded under each exercise."""

import hashlib
import re
from collections.abc import Mapping
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder import notebooks
from autograder.lesson import CODE, EXERCISE, GIVEN, Cell, Lesson

OPENING = Cell(CODE, "from autograder.site.guess_first import begin\n\nbegin()")  # run first, and not shown
COUNTS = ("numpy", "torch", "matplotlib", "anywidget")  # packages whose version shows in outputs
NOTE = """:::{{note}}
This is the lesson as it looks when it is done: run from top to bottom, with the reference answers folded. To write
them yourself, and have each one checked at once, open it in JupyterLab: `./course lab {number}`.
:::"""


def executed(lesson: Lesson, exercises: Mapping, root: Path, cache: Path) -> NotebookNode:
    """The lesson run with its answers; taken from `cache` where nothing it depends on has changed.

    Raises Problem at the first cell that fails.
    """
    path = cache / f"{lesson.stem}-{_key(lesson, root)}.ipynb"
    if path.is_file():
        return nbformat.read(path, as_version=4)
    notebook = notebooks.instructor_notebook(Lesson(lesson.stem, (OPENING, *lesson.cells)), exercises, root)
    del notebook.cells[0]
    cache.mkdir(parents=True, exist_ok=True)
    for old in cache.glob(f"{lesson.stem}-*.ipynb"):
        old.unlink()
    path.write_text(notebooks.text(notebook), encoding="utf-8", newline="\n")
    return notebook


def page(lesson: Lesson, notebook: NotebookNode, released: NotebookNode) -> NotebookNode:
    """The executed notebook as a page: what a learner is given stands open, what they find is folded.

    `released` is the learner's notebook, cell for cell.
    """
    cells = []
    for cell, made, given in zip(lesson.cells, notebook.cells, released.cells, strict=True):
        made = deepcopy(made)
        if cell.kind == EXERCISE:
            cells.append(nbformat.v4.new_markdown_cell(f"```python\n{given.source}\n```"))
            _fold(made, f"Show the reference: {cell.names[0]}")
        elif cell.kind == GIVEN:
            _fold(made, f"Show what you built before: {', '.join(cell.names)}")
        elif "hide-input" in cell.tags:
            _fold(made, "Show the code")
        cells.append(made)
    number = int(lesson.stem.split("_")[0])
    title, newline, rest = cells[0].source.partition("\n")
    cells[0].source = f"{title}\n\n{NOTE.format(number=number)}\n{newline}{rest}"
    return nbformat.v4.new_notebook(metadata=notebook.metadata, cells=cells)


def title_and_question(lesson: Lesson) -> tuple[str, str]:
    """What stands in the lesson's first two lines: its title, and the question it answers."""
    text = lesson.cells[0].text
    title, question = re.search(r"^# (.+)$", text, re.MULTILINE), re.search(r"^\*\*(.+?)\*\*", text, re.MULTILINE)
    return title[1] if title else lesson.stem, question[1] if question else ""


def _fold(cell: NotebookNode, prompt: str) -> None:
    cell.metadata["tags"] = [*(tag for tag in cell.metadata.get("tags", []) if tag != "hide-input"), "hide-input"]
    cell.metadata["mystnb"] = {"code_prompt_show": prompt, "code_prompt_hide": prompt.replace("Show", "Hide", 1)}


def _key(lesson: Lesson, root: Path) -> str:
    """A name for everything that the outputs depend on."""
    digest = hashlib.sha256(repr([python_version(), [version(name) for name in COUNTS]]).encode())
    for cell in (OPENING, *lesson.cells):
        digest.update(repr(cell).encode())
    files = [*(root / "solutions").glob("*.py"), *(root / "lessons" / "attention_lab").rglob("*")]
    files += [root / "data" / "checksums.txt", root / "autograder" / "site" / "guess_first.py"]
    for path in sorted(path for path in files if path.is_file() and "__pycache__" not in path.parts):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
