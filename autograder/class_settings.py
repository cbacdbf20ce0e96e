"""A class's own settings, as its nbgrader_config.py has them: read without starting nbgrader, which takes a second."""

from dataclasses import dataclass
from pathlib import Path

from traitlets.config import Config, PyFileConfigLoader

from autograder.jail import Limits
from autograder.problem import Problem

SETTINGS = "nbgrader_config.py"
HARDENED = "autograder.nbgrader_grading.SubmissionExporter"


@dataclass(frozen=True)
class ClassSettings:
    """Where the gradebook of a class is, and what its submissions may use."""

    db_url: str
    limits: Limits
    unsafe: bool


def read_settings(directory: Path) -> ClassSettings:
    """The settings of the class at `directory`; raises Problem where it is none, or grades without our jail."""
    path = directory / SETTINGS
    if not path.is_file() or not (directory / "source").is_dir():
        raise Problem(f"{directory} is no class. `course new` makes one.")
    settings = _loaded(path)
    if str(settings.Autograde.get("exporter_class", "")) != HARDENED:
        raise Problem(
            f"{path} does not name {HARDENED}, so submissions would run without a jail. Make a new class with "
            "`course new`, and copy the settings of its nbgrader_config.py and its private_seed."
        )
    exporter, course = settings.SubmissionExporter, settings.CourseDirectory
    try:
        limits = Limits(**exporter.get("limits", {}))
    except TypeError as error:
        raise Problem(f"c.SubmissionExporter.limits in {path} cannot be read: {error}.") from None
    db_url = str(course.get("db_url", f"sqlite:///{directory / 'gradebook.db'}"))
    return ClassSettings(db_url, limits, bool(exporter.get("unsafe_no_jail", False)))


def _loaded(path: Path) -> Config:
    try:
        return PyFileConfigLoader(path.name, path=str(path.parent)).load_config()
    except Exception as error:  # it is a program, and raises what it likes
        raise Problem(f"{path} cannot be read: {type(error).__name__}: {error}") from error
