"""The cell with which a lesson begins in Colab: it installs the course there, and does nothing elsewhere.

Where the course is fetched from is one setting: Repository, in [project.urls] of pyproject.toml. Without it no notebook
has such a cell.
"""

import tomllib
from dataclasses import replace
from pathlib import Path

from autograder.lesson import CODE, Cell, Lesson
from autograder.problem import Problem

TAGS = ("colab", "hide-input", "remove-cell")  # folded in JupyterLab, left out of the site
CELL = """\
import sys

if "google.colab" in sys.modules:  # in Colab, fetch the course; elsewhere it is there already
    from subprocess import run

    from google.colab import output

    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    run([*pip, "anywidget", "platformdirs"], check=True)
    run([*pip, "--no-deps", "{address}"], check=True)
    output.enable_custom_widget_manager()"""


def repository(root: Path) -> str | None:
    """The public address of the project at `root`, or None where it has none."""
    path = root / "pyproject.toml"
    if not path.is_file():
        return None
    address = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {}).get("urls", {}).get("Repository")
    if address is not None and (not address.startswith("https://") or set(address) & set("\"'\\ \n{}")):
        raise Problem(f"Repository in pyproject.toml must be an address that begins with https://, not {address!r}.")
    return address


def with_colab_cell(lesson: Lesson, address: str | None) -> Lesson:
    """The same lesson; where there is an address, with the cell for Colab below its title."""
    if address is None:
        return lesson
    title, *rest = lesson.cells
    return replace(lesson, cells=(title, Cell(CODE, CELL.format(address=f"git+{address}"), TAGS), *rest))
