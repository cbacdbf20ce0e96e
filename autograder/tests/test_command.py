"""The command line: its verbs, its lessons by any name, and problems told in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from autograder import lab
from autograder.classroom import Classroom
from autograder.command import OneSentence, app
from autograder.problem import Problem


@pytest.fixture
def lessons(tmp_path):
    for name in ("01_intuition", "02_queries_keys_values"):
        (tmp_path / "lessons").mkdir(exist_ok=True)
        (tmp_path / "lessons" / f"{name}.ipynb").touch()
    return tmp_path / "lessons"


def test_help_names_every_verb():
    printed = CliRunner().invoke(app, ["--help"]).output
    assert all(f" {verb} " in printed for verb in ("lab", "test", "build", "new", "check", "demo"))


def test_help_loads_nothing_heavy():
    program = "import sys, autograder.command; print({'numpy', 'torch', 'nbgrader'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "set()"


@pytest.mark.parametrize("asked", ["2", "02", "queries_keys_values", "Queries-Keys-Values", "02_queries_keys_values"])
def test_a_lesson_goes_by_any_of_its_names(lessons, asked):
    assert lab.find_lesson(asked, lessons).name == "02_queries_keys_values.ipynb"


def test_the_first_lesson_is_the_default(lessons):
    assert lab.find_lesson(None, lessons).name == "01_intuition.ipynb"


@pytest.mark.parametrize("asked", ["7", "quantum", ""])
def test_an_unknown_lesson_lists_those_there_are(lessons, asked):
    with pytest.raises(Problem, match="01_intuition, 02_queries_keys_values"):
        lab.find_lesson(asked, lessons)


@pytest.mark.parametrize(
    ("arguments", "notebook", "options"),
    [
        (["lab"], "01_intuition.ipynb", []),
        (["lab", "2"], "02_queries_keys_values.ipynb", []),
        (["lab", "--port", "8899", "--no-browser"], "01_intuition.ipynb", ["--port", "8899", "--no-browser"]),
        (
            ["lab", "2", "--no-browser", "--port=1"],
            "02_queries_keys_values.ipynb",
            ["--no-browser", "--port=1"],
        ),
    ],
)
def test_lab_becomes_jupyterlab_with_the_options_given(lessons, monkeypatch, arguments, notebook, options):
    monkeypatch.setattr("autograder.command.ROOT", lessons.parent)
    became = []
    monkeypatch.setattr("os.execve", lambda program, command, environment: became.append((command, environment)))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert CliRunner().invoke(app, arguments).exit_code == 0
    ((command, environment),) = became
    assert command[1:4] == ["-m", "jupyterlab", f"--ServerApp.root_dir={lessons}"]
    assert command[4:] == [f"--LabApp.default_url=/lab/tree/{notebook}", *options]
    assert Path(environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0], "labconfig").is_dir()


def test_lab_lets_root_in_because_in_a_container_root_is_who_learns(lessons, monkeypatch):
    monkeypatch.setattr("autograder.command.ROOT", lessons.parent)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    became = []
    monkeypatch.setattr("os.execve", lambda program, command, environment: became.append(command))
    assert CliRunner().invoke(app, ["lab"]).exit_code == 0
    assert became[0][-1] == "--allow-root"


@pytest.mark.parametrize(
    ("arguments", "pytest_arguments"),
    [
        (["test"], ["-n", "2", "--dist", "loadfile"]),
        (["test", "-k", "softmax", "-x", "solutions"], ["-k", "softmax", "-x", "solutions"]),
    ],
)
def test_test_becomes_pytest_with_the_arguments_given(monkeypatch, arguments, pytest_arguments):
    became = []
    monkeypatch.setattr("os.execv", lambda program, command: became.append(command))
    monkeypatch.chdir(".")
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert became == [[sys.executable, "-m", "pytest", *pytest_arguments]]


def test_a_problem_is_one_sentence_and_exit_code_2():
    troubled = typer.Typer(cls=OneSentence)

    @troubled.callback()
    def main():
        pass

    @troubled.command()
    def verb():
        raise Problem("There is no lesson 9.")

    result = CliRunner().invoke(troubled, ["verb"])
    assert (result.exit_code, result.output) == (2, "There is no lesson 9.\n")


def test_new_says_what_it_made_and_what_comes_next(tmp_path, monkeypatch):
    made = Classroom(tmp_path / "autumn", ("01_intuition",), "A temporary place.")
    monkeypatch.setattr("autograder.classroom.create_class", lambda directory, **settings: made)
    output = CliRunner().invoke(app, ["new", str(tmp_path / "autumn")]).output
    assert output.startswith("A temporary place.\n")
    assert f"{tmp_path / 'autumn'} is a class with 01_intuition." in output
