"""A class: made where it is safe, and every step of nbgrader works in it."""

import csv
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from traitlets.config import PyFileConfigLoader

from autograder import nbgrader_plugin
from autograder.class_settings import HARDENED
from autograder.classroom import create_class
from autograder.demo import submit
from autograder.jail import Limits, why_no_jail
from autograder.lesson import PROJECT
from autograder.problem import Problem
from autograder.samples import Sample


def nbgrader(directory, *arguments):
    """What a person at a terminal in the class directory gets to read."""
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=directory,
        env=nbgrader_plugin.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_class_holds_the_notebooks_with_answers_and_nothing_beside_them(classroom, lessons):
    stems = [lesson.stem for lesson in lessons]
    source = classroom.path / "source"
    files = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
    assert files == [f"{stem}/{stem}.ipynb" for stem in stems]
    assert all("### BEGIN SOLUTION" in (source / file).read_text() for file in files)
    assert list(classroom.lessons) == stems


def test_learners_are_handed_the_notebook_and_nothing_else(classroom, lessons):
    release = classroom.path / "release"
    files = sorted(path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file())
    assert files == [f"{lesson.stem}/{lesson.stem}.ipynb" for lesson in lessons]


def test_the_readme_tells_the_commands_for_this_directory(classroom):
    readme = (classroom.path / "README.md").read_text()
    for words in (
        str(classroom.path),
        "generate_assignment",
        "validate",
        "autograde",
        "generate_feedback",
        "export",
    ):
        assert words in readme


def test_a_class_in_a_temporary_place_is_made_with_a_warning(classroom, monkeypatch, tmp_path):
    assert "temporary place" in classroom.warning
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    assert create_class(tmp_path / "autumn").warning == ""


@pytest.mark.parametrize("place", ["", "my-class", "lessons/my-class", ".venv/my-class", "../main/my-class"])
def test_no_class_is_made_inside_the_project(tmp_path, place):
    project = tmp_path / "main"
    project.mkdir()
    with pytest.raises(Problem, match="git clean"):
        create_class(project / place, project_root=project)
    assert list(project.iterdir()) == []


def test_a_link_into_the_project_is_seen_through(tmp_path):
    (tmp_path / "link").symlink_to(PROJECT)
    with pytest.raises(Problem, match="git clean"):
        create_class(tmp_path / "link" / "my-class")


def test_no_class_is_made_inside_the_python_environment(tmp_path):
    with pytest.raises(Problem, match="Python environment"):
        create_class(Path(sys.prefix) / "my-class", project_root=tmp_path)


def test_a_directory_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "grades.csv").write_text("mine")
    with pytest.raises(Problem, match="not empty"):
        create_class(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["grades.csv"]


def test_a_file_is_no_place_for_a_class(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="is a file"):
        create_class(tmp_path / "file")
    with pytest.raises(Problem, match="could not be written"):
        create_class(tmp_path / "file" / "my-class")


def test_a_path_that_nbgrader_would_read_as_a_pattern_is_refused(tmp_path):
    with pytest.raises(Problem, match="as a pattern"):
        create_class(tmp_path / "class[1]")


def test_a_class_has_a_seed_for_its_owner_alone_and_settings_that_name_the_jail_and_every_limit(classroom):
    assert stat.S_IMODE((classroom.path / "private_seed").stat().st_mode) == 0o600
    settings = PyFileConfigLoader("nbgrader_config.py", path=str(classroom.path)).load_config()
    assert settings.Autograde.exporter_class == HARDENED
    assert Limits(**settings.SubmissionExporter.limits) == Limits()
    assert settings.SubmissionExporter.unsafe_no_jail is False


@pytest.mark.slow
@pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here")
def test_one_submission_goes_all_the_way(classroom, lessons, exercises):
    lesson = lessons[0]
    notebook = submit(Sample("noor", "Noor", "writes the reference"), lesson, classroom.path, PROJECT)
    assert "Success" in nbgrader(classroom.path, "validate", str(notebook))
    nbgrader(classroom.path, "autograde", lesson.stem)
    nbgrader(classroom.path, "generate_feedback", lesson.stem)
    nbgrader(classroom.path, "export")
    assert (classroom.path / "feedback" / "noor" / lesson.stem / f"{lesson.stem}.html").is_file()
    with (classroom.path / "grades.csv").open() as file:
        wanted = {"assignment": lesson.stem, "student_id": "noor"}
        (row,) = (row for row in csv.DictReader(file) if wanted.items() <= row.items())
    most = sum(exercises[name].points for name in lesson.exercises)
    assert (float(row["score"]), float(row["max_score"])) == (most, most)


def test_what_nbgrader_could_not_do_is_told_with_its_own_words(classroom):
    with pytest.raises(Problem, match="No notebooks were matched"):
        nbgrader_plugin.run(classroom.path, "autograde", "99_nothing")


def test_through_the_exchange_a_learner_fetches_and_submits_and_the_instructor_collects(classroom, lessons, tmp_path):
    """All by one user of one machine, in two folders."""
    stem = lessons[0].stem
    nbgrader(classroom.path, "release_assignment", stem)
    learner = tmp_path / "learner"
    learner.mkdir()
    (learner / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.course_id = '{nbgrader_plugin.COURSE}'\n"
        f"c.Exchange.root = {str(classroom.path / 'exchange')!r}\n"
    )
    nbgrader(learner, "fetch_assignment", stem)
    released = (classroom.path / "release" / stem / f"{stem}.ipynb").read_bytes()
    assert (learner / stem / f"{stem}.ipynb").read_bytes() == released
    nbgrader(learner, "submit", stem)
    before = set((classroom.path / "submitted").glob(f"*/{stem}/{stem}.ipynb"))
    nbgrader(classroom.path, "collect", stem)
    (collected,) = set((classroom.path / "submitted").glob(f"*/{stem}/{stem}.ipynb")) - before
    assert collected.read_bytes() == released
    shutil.rmtree(collected.parents[1])


def test_looking_into_the_gradebook_leaves_the_environment_alone(classroom):
    before = dict(os.environ)
    nbgrader_plugin.enroll(classroom.path, {"ada": "Ada"})
    assert dict(os.environ) == before


def test_nbgrader_finds_its_own_programs_where_the_environment_is_not_activated(tmp_path, lessons):
    create_class(tmp_path / "class")
    stem = lessons[0].stem
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", stem]
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path / "class", env=bare, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "class" / "release" / stem / f"{stem}.ipynb").is_file()


def test_a_class_is_made_for_its_owner_s_eyes_alone(classroom):
    assert stat.S_IMODE(classroom.path.stat().st_mode) == 0o700


def test_what_canvas_has_renamed_is_collected_by_its_rule(classroom, lessons):
    stem = lessons[0].stem
    archive = classroom.path / "downloaded" / stem / "archive"
    archive.mkdir(parents=True)
    with zipfile.ZipFile(archive / "submissions.zip", "w") as platform:
        for name in (f"cleo_12345_67890_{stem}.ipynb", f"dan_LATE_1_2_{stem}-1.ipynb"):
            platform.writestr(name, (classroom.path / "release" / stem / f"{stem}.ipynb").read_text())
    nbgrader(classroom.path, "zip_collect", stem)
    for learner in ("cleo", "dan"):
        assert (classroom.path / "submitted" / learner / stem / f"{stem}.ipynb").is_file()
        shutil.rmtree(classroom.path / "submitted" / learner)
