"""The zip for a class: all that a learner needs, no answer, nothing of the class, and it works where it is unpacked."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder import handout, nbgrader_plugin
from autograder.build import all_exercises
from autograder.classroom import create_class
from autograder.command import ROOT, app
from autograder.handout import REQUIREMENTS, make_handout, zipped
from autograder.lesson import EXERCISE, GIVEN, PROJECT
from autograder.problem import Problem
from autograder.tests.small_class import LESSON, SmallClass
from autograder.tests.test_layers import PACKAGE_OF, cells, imported, roots
from autograder.unfold import definition

NAME = "Zebediah Quuxworth"


@pytest.fixture(scope="module")
def packed(classroom, tmp_path_factory):
    """The handout of the class, in which somebody is enrolled and has handed something in."""
    nbgrader_plugin.enroll(classroom.path, {"quuxworth": NAME})
    handed_in = classroom.path / "submitted" / "quuxworth" / "01_intuition" / "01_intuition.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_text("{}")
    return make_handout(classroom.path, list(classroom.lessons), tmp_path_factory.mktemp("zips") / "all.zip")


def contents(path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name.removeprefix("attention-lab/"): archive.read(name) for name in archive.namelist()}


def test_it_holds_the_lessons_the_package_and_the_data_and_nothing_of_the_other_packages(packed, lessons):
    names = set(contents(packed.path))
    assert {f"{lesson.stem}.ipynb" for lesson in lessons} == {name for name in names if name.endswith(".ipynb")}
    tops = {name.split("/")[0] for name in names if not name.endswith(".ipynb")}
    assert tops == {"README.md", "requirements.txt", "LICENSE", "LICENSE-lessons", "attention_lab", "data"}
    package = {path for path in (PROJECT / "lessons" / "attention_lab").rglob("*") if path.is_file()}
    expected = {f"attention_lab/{path.relative_to(PROJECT / 'lessons' / 'attention_lab').as_posix()}"
                for path in package if "__pycache__" not in path.parts}  # fmt: skip
    assert {name for name in names if name.startswith("attention_lab/")} == expected
    listed = {line.split()[1] for line in (PROJECT / "data" / "checksums.txt").read_text().splitlines()}
    assert {f"data/{name}" for name in listed} <= names
    assert not [name for name in names if name.startswith("data/") and name.endswith(".py")]
    assert not re.search("solutions|autograder|private_seed|sheets/\\.|\\.sheets|gradebook|submitted", " ".join(names))


def test_no_line_of_an_answer_is_in_it(packed, lessons):
    found = contents(packed.path)
    given = {name for lesson in lessons for cell in lesson.cells if cell.kind == GIVEN for name in cell.names}
    answers = {}
    for lesson in lessons:
        for cell in (cell for cell in lesson.cells if cell.kind == EXERCISE):
            lines = definition(PROJECT, cell.module, cell.names[0]).answers
            answers[cell.names[0]] = {line.strip() for line in lines if len(line.strip()) > 12}
    assert given and set().union(*answers.values())
    for name, raw in found.items():
        if name.endswith(".ipynb"):
            # what an earlier lesson had to find stands in later ones, as they are handed out by nbgrader too
            own = next(lesson.exercises for lesson in lessons if name == f"{lesson.stem}.ipynb")
            there = {line.strip() for cell in json.loads(raw)["cells"] for line in "".join(cell["source"]).splitlines()
                     if not str(cell["metadata"].get("nbgrader", {}).get("grade_id")).startswith("given-")}  # fmt: skip
            assert not there & set().union(*answers.values())
            assert not {line.strip() for line in raw.decode().splitlines()} & set().union(*(answers[x] for x in own))
        assert b"BEGIN SOLUTION" not in raw and b"BEGIN HIDDEN TESTS" not in raw
    texts = [raw.decode() for name, raw in found.items() if name.endswith((".py", ".md", ".txt", ".js"))]
    docstrings = {definition(PROJECT, cell.module, cell.names[0]).whole for lesson in lessons
                  for cell in lesson.cells if cell.kind == EXERCISE}  # fmt: skip
    assert not [text for text in texts for whole in docstrings if whole in text]
    assert not [text for text in texts if re.search(r"^\s*(from|import) (solutions|autograder)\b", text, re.MULTILINE)]


def test_nothing_of_the_class_is_in_it(packed, classroom):
    secrets = [NAME, "quuxworth", str(classroom.path), (classroom.path / "private_seed").read_text().strip()]
    assert all(secrets)
    for raw in [*contents(packed.path).values(), packed.path.read_bytes()]:
        assert not [secret for secret in secrets if secret.encode() in raw]


def test_the_same_class_gives_the_same_bytes(packed, classroom, tmp_path):
    os.utime(classroom.path / "release" / "01_intuition" / "01_intuition.ipynb", (1, 1))
    again = make_handout(classroom.path, list(classroom.lessons), tmp_path / "again.zip")
    assert again.path.read_bytes() == packed.path.read_bytes()
    assert zipped({"b": b"2", "a": b"1"}) == zipped({"a": b"1", "b": b"2"})


def test_requirements_are_what_lessons_import_in_the_versions_of_the_project(packed):
    pins = dict(line.split("==") for line in contents(packed.path)["requirements.txt"].decode().splitlines())
    project = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert pins == {name: project[name] for name in REQUIREMENTS}
    sources = [path.read_text() for path in (PROJECT / "lessons" / "attention_lab").rglob("*.py")]
    sources += [cells(path.read_text()) for path in (PROJECT / "lessons" / "source").glob("*.md")]
    needed = set().union(*(roots(imported(source)) for source in sources)) - sys.stdlib_module_names
    needed -= {"attention_lab", "solutions"}
    comes_along = {"ipython", "traitlets", "ipykernel", "ipywidgets"}  # with notebooks, or with anywidget
    assert {PACKAGE_OF.get(name, name.lower()) for name in needed} <= set(pins) | comes_along


def test_the_readme_starts_in_three_commands_and_says_where_to_hand_in(classroom, packed, tmp_path):
    readme = contents(packed.path)["README.md"].decode()
    commands = re.search(r"```\n(.*?)```", readme, re.DOTALL)[1].splitlines()
    assert [command.split()[0] for command in commands] == ["python3", ".venv/bin/pip", ".venv/bin/jupyter"]
    assert commands[2].endswith("01_intuition.ipynb") and handout.HAND_IN in readme
    told = make_handout(classroom.path, ["2"], tmp_path / "two.zip", "In Moodle, until Friday.")
    readme = contents(told.path)["README.md"].decode()
    assert "In Moodle, until Friday." in readme and "lab 02_queries_keys_values.ipynb" in readme


RUN = """
import sys
from pathlib import Path
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read("01_intuition.ipynb", as_version=4)
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
assert not [output for output in outputs if output.output_type == "error"]
print("untouched", sum(output.get("data", {}).get("text/plain") == "0.0" for output in outputs))
"""
ANSWER = """
import importlib.util
import numpy as np
from attention_lab import check, load_sentence, progress
import attention_lab

def softmax(scores, axis=-1):
    e = np.exp(scores - np.max(scores, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)

assert importlib.util.find_spec("autograder") is None and importlib.util.find_spec("solutions") is None
print(attention_lab.__file__, load_sentence("tired").hidden.shape, float(check(softmax)), progress().rows[0].state)
"""


@pytest.fixture(scope="module")
def unpacked(packed, tmp_path_factory):
    """The handout in a folder of its own, and a Python whose packages are the project's but without the project."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with zipfile.ZipFile(packed.path) as archive:
        archive.extractall(folder)
    packages = folder / "packages"
    packages.mkdir()
    for path in next(Path(path) for path in sys.path if path.endswith("site-packages")).iterdir():
        if path.suffix != ".pth" and not path.name.startswith(("attention_lab", "nbgrader", "typer", "distributed")):
            (packages / path.name).symlink_to(path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JUPYTER"))}
    environment |= {
        "PYTHONPATH": str(packages),
        "HOME": str(folder),
        "ATTENTION_LAB_PROGRESS": str(folder / "progress.jsonl"),
        "JUPYTER_PATH": str(kernel(folder)),
    }

    def python(program):
        command = [folder / "venv" / "bin" / "python", "-c", program]
        done = subprocess.run(
            command, cwd=folder / "attention-lab", env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return python


def kernel(folder) -> Path:
    """A kernel of that Python, and of no other."""
    home = folder / "jupyter" / "kernels" / "python3"
    home.mkdir(parents=True)
    python = str(folder / "venv" / "bin" / "python")
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (home / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    return folder / "jupyter"


def test_a_right_answer_passes_where_it_is_unpacked_and_is_remembered(unpacked):
    printed = unpacked(ANSWER)
    assert "elsewhere" in printed and printed.rstrip().endswith("(7, 16, 384) 4.0 done")


@pytest.mark.slow
def test_lesson_1_runs_untouched_where_it_is_unpacked(unpacked, lessons):
    assert unpacked(RUN).split() == ["untouched", str(len(lessons[0].exercises))]


def test_what_is_not_released_yet_is_released_by_nbgrader(tmp_path, monkeypatch, small_lesson):
    monkeypatch.setattr("autograder.classroom.read_lessons", lambda *_: [small_lesson])
    made = create_class(tmp_path / "autumn")
    assert not (made.path / "release").exists()
    make_handout(made.path, ["1"], tmp_path / "one.zip")
    released = made.path / "release" / "01_intuition" / "01_intuition.ipynb"
    assert contents(tmp_path / "one.zip")["01_intuition.ipynb"] == released.read_bytes()


def test_a_release_that_holds_answers_is_not_packed(tmp_path, classroom):
    source = (classroom.path / "source" / "01_intuition" / "01_intuition.ipynb").read_bytes()
    release = tmp_path / "release" / "01_intuition" / "01_intuition.ipynb"
    for path in (release, tmp_path / "source" / "01_intuition" / "01_intuition.ipynb"):
        path.parent.mkdir(parents=True)
        path.write_bytes(source)
    (tmp_path / "nbgrader_config.py").write_bytes((classroom.path / "nbgrader_config.py").read_bytes())
    with pytest.raises(Problem, match="holds answers"):
        make_handout(tmp_path, [], tmp_path / "out.zip")
    nbformat.write(nbformat.v4.new_notebook(), release)
    with pytest.raises(Problem, match="is no release"):
        make_handout(tmp_path, [], tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_what_cannot_be_is_told_in_a_sentence(tmp_path, classroom):
    def said(*arguments):
        done = CliRunner().invoke(app, ["handout", *map(str, arguments)])
        assert done.exit_code == 2
        return done.output.replace("\n", " ")

    assert "is no class" in said(tmp_path)
    assert "There is no lesson" in said(classroom.path, "77")
    assert "cannot be written" in said(classroom.path, "1", "--to", tmp_path / "nowhere" / "x.zip")
    assert "cannot be written" in said(classroom.path, "1", "--to", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_it_wrote_and_when_it_replaced_something(tmp_path, classroom):
    told = ["handout", str(classroom.path), "1", "--to", str(tmp_path / "one.zip")]
    first, second = (CliRunner().invoke(app, told).output.replace("\n", "") for _ in range(2))
    assert first.endswith("one.zip holds 01_intuition.")
    assert "in the place of what was there before" in second
    assert [path.name for path in tmp_path.iterdir()] == ["one.zip"]


def test_without_a_name_only_what_is_released_is_packed_with_the_sheets_of_these_lessons(tmp_path, small_lesson):
    made = SmallClass(tmp_path / "class", small_lesson, all_exercises())
    packed = make_handout(made.path, [])
    sheets = {Path(name).name for name in contents(packed.path) if name.startswith("attention_lab/sheets/")}
    assert packed.lessons == (LESSON,) and sheets == {f"{name}.npz" for name in small_lesson.exercises}
    shutil.rmtree(made.path / "release")
    with pytest.raises(Problem, match="No lesson is released yet"):
        make_handout(made.path, [])
