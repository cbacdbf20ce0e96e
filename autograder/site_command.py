"""`./course site`: builds the web site, with Sphinx and without a network; any warning stops it."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from autograder import notebooks
from autograder.build import all_exercises, read_lessons
from autograder.lesson import Lesson
from autograder.problem import Problem
from autograder.site_lessons import executed, page
from autograder.site_pages import write_pages

MARK = "objects.inv"  # Sphinx writes it into every site


def build_site(root: Path, to: Path | None, console, lessons: list[Lesson] | None = None, cache=None) -> Path:
    """Builds the site of the project at `root` into `to` (build/site, if none is given) and returns that folder.

    A site that was there before stays as it is until the new one is whole. `lessons` are all of them, if not given;
    those that ran are kept in the folder `cache` (build/site-lessons).
    """
    to = (to or root / "build" / "site").expanduser().resolve()
    _must_be_a_good_place(to, root)
    exercises = all_exercises()
    with tempfile.TemporaryDirectory(prefix="attention-lab-site-") as work:
        pages = Path(work) / "pages"
        lessons = read_lessons(root, exercises) if lessons is None else lessons
        write_source(pages, lessons, exercises, root, cache or root / "build" / "site-lessons", console)
        with console.status("building the pages"):
            run_sphinx(pages, Path(work) / "html")
        shutil.rmtree(to, ignore_errors=True)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(work) / "html", to)
    return to


def write_source(folder: Path, lessons: list[Lesson], exercises: Mapping, root: Path, cache: Path, console) -> None:
    """All that Sphinx reads, into the new folder `folder`: the pages, and the lessons, run."""
    write_pages(folder, lessons, exercises, root)
    (folder / "lessons").mkdir()
    for lesson in lessons:
        with console.status(f"running {lesson.stem}"):
            notebook = executed(lesson, exercises, root, cache)
        made = page(lesson, notebook, notebooks.learner_notebook(lesson, exercises, root))
        path = folder / "lessons" / f"{lesson.stem}.ipynb"
        path.write_text(notebooks.text(made), encoding="utf-8", newline="\n")


def run_sphinx(pages: Path, html: Path) -> None:
    """Turns the folder `pages` into HTML; raises Problem with Sphinx's own words where it has a complaint."""
    doctrees = html.with_name("doctrees")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-E", "-W", "-q", "--no-color", "-d", str(doctrees)]
    ran = subprocess.run([*command, str(pages), str(html)], capture_output=True, text=True, check=False)
    if ran.returncode or ran.stderr.strip():
        said = ran.stderr.replace(f"{pages}/", "").strip() or ran.stdout.strip()
        raise Problem(f"The site was not built. Sphinx says:\n{said}")
    for unneeded in [*html.glob(".buildinfo"), *html.rglob("*.map"), *(html / "_static").rglob("*.html")]:
        unneeded.unlink()  # of Sphinx and of the theme's makers
    (html / ".nojekyll").touch()  # GitHub Pages leaves out folders that begin with _ without it


def _must_be_a_good_place(to: Path, root: Path) -> None:
    if to.exists() and not to.is_dir():
        raise Problem(f"{to} is a file; the site needs a folder.")
    if to == root or to in root.parents:
        raise Problem(f"{to} holds the project; the site needs a folder of its own.")
    if to.is_dir() and any(to.iterdir()) and not (to / MARK).is_file():
        raise Problem(f"{to} is not empty and holds no site. A site is only written over another, or in a new folder.")
