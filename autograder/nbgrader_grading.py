"""How `nbgrader autograde` grades in a class of ours: the classes that its nbgrader_config.py names.

nbgrader makes one exporter for a run, reads each submission through it, and then lets steps work on the notebook.
Ours reads raw bytes instead of a notebook that may be none, and the one step before nbgrader's own grades them. What
follows is stock: SaveAutoGrades reads the points, AssignLatePenalties and the plug-in behind it take off what is late.
"""

import fnmatch
import glob
import json
import re
from dataclasses import fields
from pathlib import Path, PurePath

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat.notebooknode import NotebookNode
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import parse_utc
from traitlets import Bool, Dict, Float, Int, Unicode

from autograder.grading import OURS, nothing_to_judge
from autograder.grading_task import handed_out, opened
from autograder.handed_in import read_handed_in
from autograder.jail import Limits, why_no_jail
from autograder.nbgrader_marks import exercises_in
from autograder.nbgrader_recording import Recording, what_helps
from autograder.private_sheets import private_sheets
from autograder.problem import Problem

LONGEST_TIMESTAMP = 200


class SubmissionExporter(NotebookExporter):
    """Reads what lies where a submission should be, and never fails on its account."""

    limits = Dict(help="What a submission may use, where it is not the default; see autograder/jail.py.").tag(
        config=True
    )
    unsafe_no_jail = Bool(False, help="Grade without a jail. Every grade made so says it.").tag(config=True)
    only = Unicode("", help="Grade this learner alone; works where no file of a notebook was handed in.").tag(
        config=True
    )

    cluster = Unicode("", help="A running Dask scheduler: tcp://host:port, or its scheduler file.").tag(config=True)
    workers = Int(0, help="How many submissions to grade at once; 0 is one for each core.").tag(config=True)

    patience = Float(60, help="Seconds to wait for a gradebook that another program has locked.").tag(config=True)
    _steps = Dict()

    def __init__(self, parent=None, **settings):
        super().__init__(parent=parent, **settings)
        self._refuse_without_a_jail()
        parent.coursedir = self.coursedir = Submissions(parent.coursedir)
        try:
            self._prepare(parent)
        except Problem as problem:
            self._refuse(str(problem))
        except OSError as error:
            self._refuse(f"Nothing was graded. {what_helps(str(error))}")

    def _prepare(self, parent) -> None:
        """Read what all submissions share, and see which of them are to be graded."""
        self.pristine = self._pristine_notebooks()
        sheets = private_sheets(Path(self.coursedir.root), exercises_in(self.pristine.values()))
        self.shared = {
            name: handed_out(notebook, sheets, self.bounds, self.unsafe_no_jail)
            for name, notebook in self.pristine.items()
        }
        self.recording = Recording(self, parent, self._assignments())

    def _refuse_without_a_jail(self) -> None:
        try:
            self.bounds = Limits(**self.limits)
        except TypeError:
            known = ", ".join(field.name for field in fields(Limits))
            self._refuse(f"c.SubmissionExporter.limits knows {known}; nbgrader_config.py has {', '.join(self.limits)}.")
        if self.unsafe_no_jail:
            self.log.warning("GRADING WITHOUT A JAIL: submissions run with your rights, and can change their grades.")
        elif reason := why_no_jail():
            self._refuse(reason)

    def _refuse(self, sentence: str) -> None:
        self.log.error(sentence)
        raise NbGraderException(sentence)

    def _pristine_notebooks(self) -> dict[str, NotebookNode]:
        """The notebooks of the lesson as they were handed out, by file name."""
        course = self.coursedir
        released = Path(course.format_path(course.release_directory, ".", course.assignment_id))
        found = {
            path.name: nbformat.read(path, as_version=4)
            for path in sorted(released.glob("*.ipynb"))
            if fnmatch.fnmatch(path.stem, course.notebook_id)
        }
        if not found:
            lesson = course.assignment_id
            self._refuse(f"Nothing was handed out in {released}. Run `nbgrader generate_assignment {lesson}` first.")
        return found

    def _assignments(self) -> dict[str, list[str]]:
        """Every learner's folder of the lesson with the files that should be in it, and no others.

        nbgrader itself leaves out a folder without a notebook, and stumbles over notebooks that it does not know.
        """
        course = self.coursedir
        pattern = course.format_path(course.submitted_directory, course.student_id, course.assignment_id)
        can_be_read = re.compile(
            course.format_path(course.submitted_directory, "(?P<learner>.*)", course.assignment_id, escape=True)
        )
        found = {}
        for folder in sorted(glob.glob(pattern)):
            match = can_be_read.fullmatch(folder)
            if match is None or not match["learner"].isprintable():
                self.log.error("%r is no folder name that nbgrader can grade. Rename it.", folder)
            elif self.only in ("", match["learner"]):
                found[folder] = [str(Path(folder) / name) for name in self.pristine]
        if not found:
            self._refuse(f"Nothing to grade: {self.only or 'nobody'} has no folder that matches {pattern}.")
        return found

    def register_preprocessor(self, preprocessor, enabled=False):
        """nbgrader asks for its steps twice a submission: they are made once, but for those of a class's own."""
        if isinstance(preprocessor, type) and preprocessor.__module__.split(".")[0] in ("nbgrader", "autograder"):
            if preprocessor not in self._steps:
                self._steps[preprocessor] = preprocessor(parent=self)
            preprocessor = self._steps[preprocessor]
        return super().register_preprocessor(preprocessor, enabled)

    def from_filename(self, filename, resources=None, **settings):
        """A submission becomes the pristine notebook, and the step that grades it hears its name.

        What comes back from that step is our own notebook: it is not looked through for mistakes again and again.
        """
        course = self.coursedir
        root = Path(course.format_path(course.submitted_directory, "", ""))
        resources = (resources or {}) | {"metadata": {"name": Path(filename).stem, "path": str(Path(filename).parent)}}
        if Path(filename).is_relative_to(root):
            notebook = self.pristine[Path(filename).name]
            resources["submitted_as"] = filename
        else:
            notebook = nbformat.v4.reads_json(Path(filename).read_text(encoding="utf-8"))
        return self.from_notebook_node(notebook, resources, **settings)

    def from_notebook_node(self, nb, resources=None, **settings):
        """Run the steps, and write what they made: for people to read once it is graded."""
        submitted = "submitted_as" in resources
        resources = self._init_resources(resources)
        for step in self._preprocessors:
            nb, resources = step(nb, resources)
        resources["output_suffix"] = ".nbconvert"
        return json.dumps(nb) if submitted else nbformat.v4.writes_json(nb) + "\n", resources


class GradeSubmission(NbGraderPreprocessor):
    """Puts the graded notebook in the place of the pristine one."""

    def preprocess(self, nb, resources):
        """The exporter has it graded; what fails in grading itself is logged."""
        exporter: SubmissionExporter = self.parent
        submitted = resources.pop("submitted_as")
        graded = exporter.recording.graded(submitted)
        learner = resources.get("nbgrader", {}).get("student", "a learner")
        for defect in graded.defects:
            self.log.error("Grading failed for %s, who has no points for it:\n%s", learner, defect)
        for remark in graded.remarks:
            self.log.warning("%s: %s", learner, remark)
        if not graded.notebook:
            _, sheets, _ = opened(exporter.shared[Path(submitted).name])
            none = nothing_to_judge(nb, sheets, OURS, graded.defects, exporter.unsafe_no_jail)
            return none.notebook, resources
        return graded.read(), resources


class Submissions(CourseDirectory):
    """The same class directory, in which a learner's files beside the notebook are neither copied nor trusted."""

    def __init__(self, course: CourseDirectory):
        super().__init__(parent=course.parent)
        for name in CourseDirectory.class_trait_names(config=True):
            setattr(self, name, getattr(course, name))
        # nbgrader copies what lies beside a notebook, links included, and hands it back with the feedback
        self.ignore = [*self.ignore, self.assignment_id, *self._odd_folders()]

    def _odd_folders(self) -> list[str]:
        """Folders of learners whose names nbgrader would read as patterns."""
        pattern = self.format_path(self.submitted_directory, "*", self.assignment_id)
        return [glob.escape(folder) for folder in glob.glob(pattern) if glob.has_magic(folder)]

    def get_existing_timestamp(self, dest_path):
        """When it was handed in, as timestamp.txt says; None where that is missing or says nothing."""
        handed_in = read_handed_in(Path(dest_path), PurePath("timestamp.txt"), LONGEST_TIMESTAMP)
        try:
            text = handed_in.raw.decode().strip()
            return parse_utc(text) if text else None
        except Exception:  # dateutil raises what it likes
            self.log.warning("timestamp.txt in %s is no date: it counts as handed in on time.", dest_path)
            return None
