"""Makes a class: a directory in which nbgrader hands out the lessons, collects, grades and gives feedback."""

import shlex
import sys
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path

from autograder import nbgrader_plugin, notebooks
from autograder.build import all_exercises, read_lessons
from autograder.gradebook_server import must_be_a_gradebook
from autograder.jail import Limits
from autograder.lesson import PROJECT
from autograder.private_sheets import write_seed
from autograder.problem import Problem


@dataclass(frozen=True)
class Classroom:
    """A class directory that was made, the lessons in it, and what its owner should know (or nothing)."""

    path: Path
    lessons: tuple[str, ...]
    warning: str = ""


def create_class(directory: Path, *, project_root: Path = PROJECT, db_url: str = "") -> Classroom:
    """Makes `directory` a class with every lesson of the project; raises Problem where it must not be.

    db_url: the gradebook's, for one on a server, such as postgresql+psycopg://user@host/name
    """
    path = Path(directory).expanduser().resolve()
    _must_be_a_good_place(path, project_root.resolve())
    if db_url:
        must_be_a_gradebook(db_url)
    exercises = all_exercises()
    lessons = read_lessons(project_root, exercises)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold answers and grades
        for lesson in lessons:
            # alone in its folder: nbgrader gives learners every file that lies beside the notebook
            source = path / "source" / lesson.stem / f"{lesson.stem}.ipynb"
            source.parent.mkdir(parents=True)
            made = notebooks.source_notebook(lesson, exercises, project_root)
            source.write_text(notebooks.text(made), encoding="utf-8", newline="\n")
        (path / "exchange").mkdir()
        write_seed(path)
        stems = tuple(lesson.stem for lesson in lessons)
        settings = path / "nbgrader_config.py"
        settings.touch(0o600 if db_url else 0o644)  # the address may hold a password
        settings.write_text(_configuration(db_url), encoding="utf-8")
        (path / "README.md").write_text(_readme(path, stems, db_url), encoding="utf-8")
    except OSError as error:
        raise Problem(f"The class could not be written: {error}") from error
    return Classroom(path, stems, _warning(path))


def _must_be_a_good_place(path: Path, project: Path) -> None:
    if path == project or project in path.parents:
        raise Problem(
            f"{path} lies inside the project, where a clean-up such as `git clean` would delete "
            "a whole class. Choose a place outside it, such as ../my-class."
        )
    if Path(sys.prefix) in (path, *path.parents):
        raise Problem(f"{path} lies inside a Python environment. Choose a place outside it, such as ../my-class.")
    if set("*?[]") & set(str(path)):
        raise Problem(f"nbgrader cannot work in {path}: it reads *, ?, [ and ] in a path as a pattern.")
    if path.exists() and not path.is_dir():
        raise Problem(f"{path} is a file; a class needs a directory of its own.")
    if path.is_dir() and any(path.iterdir()):
        raise Problem(f"{path} is not empty. A class is only made in a new or empty directory.")


def _warning(path: Path) -> str:
    if Path(tempfile.gettempdir()).resolve() in path.parents:
        return f"{path} is a temporary place: fine for a try, but the system may delete it."
    return ""


CONFIGURATION = '''"""nbgrader's settings for this class. Its manual lists all there are: https://nbgrader.readthedocs.io"""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821, nbgrader provides it

# nbgrader starts programs of its own environment by name; they are found without activating it.
_programs = str(Path(sys.executable).parent)
if _programs not in os.environ["PATH"].split(os.pathsep):
    os.environ["PATH"] = _programs + os.pathsep + os.environ["PATH"]

c.CourseDirectory.course_id = "{course}"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)  # here, wherever a command is started

# How submissions are graded: in a jail, by sheets that are compiled from private_seed. Points that a learner's code
# writes, prints or forges count for nothing. Steps of your own can follow SaveAutoGrades.
c.Autograde.exporter_class = "autograder.nbgrader_grading.SubmissionExporter"
c.Autograde.sanitize_preprocessors = ["autograder.nbgrader_grading.GradeSubmission"]
c.Autograde.autograde_preprocessors = [
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
]

# What one submission may use. A lesson's own cells need a few seconds and a few hundred megabytes.
c.SubmissionExporter.limits = {{
{limits}
}}

# True grades where there is no jail. Then submissions run with your rights, and every grade says so.
c.SubmissionExporter.unsafe_no_jail = False

# Late work: nbgrader's own settings hold, such as c.LateSubmissionPlugin.penalty_method = "zero".

# A cell may run this long when `nbgrader validate` tries a notebook, without a jail.
c.Execute.timeout = 60

# What `nbgrader release_assignment` hands out and `nbgrader collect` takes in goes through this directory.
# On a JupyterHub, where learners fetch and submit with a click, name one that all of them can reach.
c.Exchange.root = str(Path(c.CourseDirectory.root) / "exchange")

# How `nbgrader zip_collect` reads the names in a learning platform's zip: Canvas has NAME_123_456_01_intuition-1.ipynb.
c.FileNameCollectorPlugin.named_regexp = (
    r".*/(?P<student_id>[^_/]+)_(?:LATE_)?[0-9]+_[0-9]+_(?P<file_id>[0-9]+_[a-z_]+)"
)

# The gradebook. Several graders at once want a PostgreSQL server's instead of gradebook.db in this directory:
# c.CourseDirectory.db_url = "postgresql+psycopg://user:password@host/attention_lab"
{gradebook}'''

README = """# A class of Attention Lab

Start every command in this directory, with the course's Python active:

```
cd {here}
source {activate}
```

| step | command (once for each lesson: {lessons}) |
|---|---|
| see that a lesson runs here | `nbgrader validate source/{first}/{first}.ipynb` |
| make the learners' notebooks | `nbgrader generate_assignment {first}` |
| hand out | give learners `release/{first}/{first}.ipynb`; with all it needs, `course handout . {first}` |
| collect | put what comes back in `submitted/LEARNER/{first}/{first}.ipynb` |
| grade | `course grade . {first}`, or `nbgrader autograde {first}`: the same |
| look, comment, correct by hand | `jupyter lab`, then *Nbgrader → Formgrader* |
| give feedback | `nbgrader generate_feedback {first}`; the pages are in `feedback/LEARNER/{first}/` |
| where learners use the exchange | `nbgrader release_feedback {first}` |
| see what the class understood | `course report . {first}` writes a page without names, and CSV, in `report/` |
| the list of points | `course export . --format canvas`, or `moodle`, or `csv`; `nbgrader export` works as well |

In Canvas, import the file in the gradebook. It finds learners by SIS Login ID, which is nbgrader's id for them, or by
ID, which is `lms_user_id` in the gradebook. In Moodle, make a grade item with the lesson's points first, import the
file, and map *username* (nbgrader's id), *email* or *idnumber* to the user, and each lesson to its grade item. Where
nothing was handed in, neither gets a grade.

A notebook counts only under the name that it was handed out with. What a learning platform has renamed can be put in
its place by `nbgrader zip_collect {first}`, from the platform's zip in `downloaded/{first}/archive/`: the rule in
`nbgrader_config.py` reads the names that Canvas makes.

`source/` holds the notebooks with their answers; it is made from the project's lessons and never handed out.
{gradebook} This directory was made for your eyes alone.

`private_seed` decides which hidden cases submissions are judged with, and `.sheets/` holds them: for you alone.

`nbgrader autograde` and `course grade` run what learners wrote in a jail, and refuse where there is none. `nbgrader
validate` runs a notebook with your own rights: use it only on what you would run yourself.
"""


def _configuration(db_url: str) -> str:
    limits = "\n".join(f'    "{field.name}": {field.default},' for field in fields(Limits))
    gradebook = f"c.CourseDirectory.db_url = {db_url!r}\n" if db_url else ""
    return CONFIGURATION.format(course=nbgrader_plugin.COURSE, limits=limits, gradebook=gradebook)


def _readme(path: Path, lessons: tuple[str, ...], db_url: str) -> str:
    kept = "The gradebook is `gradebook.db`. Keep a copy of this directory: nothing else knows the grades."
    if db_url:
        kept = "The gradebook is the database that `nbgrader_config.py` names. Keep copies of it and of this directory."
    activate = Path(sys.prefix) / "bin" / "activate"
    return README.format(
        here=shlex.quote(str(path)),
        activate=shlex.quote(str(activate)),
        first=lessons[0],
        gradebook=kept,
        lessons=", ".join(f"`{lesson}`" for lesson in lessons),
    )
