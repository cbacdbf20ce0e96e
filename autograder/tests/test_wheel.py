"""A wheel of the project: built without a network, whole, and of use in a folder where nothing of the project lies."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from autograder import lab
from autograder.command import ROOT
from autograder.handout import REQUIREMENTS
from autograder.jail import why_no_jail
from autograder.problem import Problem

LAB = ROOT / "lessons" / "attention_lab"
ANSWER = """
import numpy as np

def softmax(scores, axis=-1):
    e = np.exp(scores - np.max(scores, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
"""
PROGRAM = f"""{ANSWER}
import attention_lab, autograder, solutions
from attention_lab import check, explore, load_head, load_sentence, progress
from attention_lab.explorer import script

print(attention_lab.__file__, solutions.__file__, autograder.__file__, sep="\\n")
print(load_sentence("tired").hidden.shape, load_head(3, 1).w_q.shape, float(check(softmax)), len(script()) > 1000)
print(progress().rows[0].lesson)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-index"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT], check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """What the wheel holds, unpacked; the project's own folder is not on the path before it."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def python(installed, tmp_path):
    """Runs a program where the wheel is installed, in an empty folder."""

    def run(program, *arguments):
        environment = os.environ | {"PYTHONPATH": str(installed)}
        command = [sys.executable, "-c", program, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


def course(python, *arguments):
    return python("from autograder.command import app; app(prog_name='course')", *arguments)


def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_holds_the_three_packages_the_data_and_the_lessons(wheel):
    found = names(wheel)
    package = {path.relative_to(LAB).as_posix() for path in LAB.rglob("*") if path.is_file()}
    expected = {f"attention_lab/{name}" for name in package if "__pycache__" not in name}
    assert {name.split("/")[-1] for name in expected} >= {"softmax.npz", "explorer.js", "explorer.css", "check.py"}
    listed = {line.split()[1] for line in (ROOT / "data" / "checksums.txt").read_text().splitlines()}
    expected |= {f"attention_lab/data/{name}" for name in [*listed, "LICENSE", "README.md", "checksums.txt"]}
    expected |= {f"attention_lab/lessons/{path.name}" for path in (ROOT / "lessons").glob("[0-9][0-9]_*.ipynb")}
    expected |= {f"solutions/{path.name}" for path in (ROOT / "solutions").glob("*.py")}
    expected |= {"autograder/command.py", "autograder/lab_settings/jupyter_server_config.json"}
    assert expected <= found
    tops = {name.split("/")[0] for name in found}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"attention_lab", "solutions", "autograder"}
    assert not [name for name in found if "/tests/" in name or name.endswith(".pyc")]


def test_what_it_needs_is_pinned_in_the_project_and_enough_for_the_lessons(wheel):
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith("METADATA"))
        asked = message_from_bytes(archive.read(metadata)).get_all("Requires-Dist")
    plain = {re.match(r"[\w-]+", line)[0] for line in asked if "extra ==" not in line}
    extra = {re.match(r"[\w-]+", line)[0] for line in asked if "extra ==" in line}
    pinned = set(re.findall(r"^([\w-]+)(?:\[\w+\])?==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert plain == {*REQUIREMENTS, "rich", "typer"}
    assert "nbgrader" in extra and plain | extra <= pinned


def test_an_editable_install_takes_no_copies(tmp_path):
    build = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, tmp_path], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    (made,) = tmp_path.glob("*.whl")
    assert not [name for name in names(made) if name.startswith("attention_lab/")]


def test_sentences_checks_and_figures_work_where_nothing_of_the_project_lies(python, installed):
    done = python(PROGRAM)
    assert done.returncode == 0, done.stderr
    *printed, computed, lesson = done.stdout.splitlines()
    assert all(line.startswith(str(installed)) for line in printed[:3])
    assert computed == "(7, 16, 384) (384, 32) 4.0 True" and lesson == "1 · Intuition"


@pytest.mark.parametrize("arguments", [("--help",), ("progress",)])
def test_the_command_runs(python, arguments):
    done = course(python, *arguments)
    assert done.returncode == 0, done.stderr
    assert "progress" in done.stdout or "softmax" in done.stdout


@pytest.mark.parametrize("arguments", [("new", "class"), ("bench",), ("test",)])
def test_what_needs_the_projects_own_folder_says_so_in_a_sentence(python, arguments, tmp_path):
    done = course(python, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "needs the project's own folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_command_opens_copies_of_the_lessons_and_keeps_what_a_learner_wrote(installed, tmp_path):
    packaged = installed / "attention_lab" / "lessons"
    folder = lab.own_copies(packaged, tmp_path / "attention-lab")
    assert {path.name for path in folder.iterdir()} == {path.name for path in packaged.iterdir()}
    (folder / "01_intuition.ipynb").write_text("mine")
    lab.own_copies(packaged, folder)
    assert (folder / "01_intuition.ipynb").read_text() == "mine"
    assert lab.find_lesson("1", folder).read_text() == "mine"
    with pytest.raises(Problem, match="cannot be copied"):
        lab.own_copies(packaged, tmp_path / "no" / "such" / "folder")


@pytest.mark.slow
@pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here")
def test_a_file_is_judged_in_a_jail_that_sees_no_reference_where_the_wheel_is_installed(wheel, tmp_path):
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))
    try:  # the packages of this Python, as links: a jail shows an environment of its own
        for path in Path(sysconfig.get_path("purelib")).iterdir():
            if path.is_dir() and not path.name.startswith("attention_lab"):
                shutil.copytree(path, packages / path.name, copy_function=os.link, dirs_exist_ok=True)
            elif path.suffix == ".py":
                os.link(path, packages / path.name)
    except OSError as error:
        pytest.skip(f"packages cannot be linked here: {error}")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (tmp_path / "right.py").write_text(ANSWER)
    (tmp_path / "thief.py").write_text("from solutions.intuition import softmax")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = "from autograder.command import app; app()"
    done = subprocess.run(
        [home / "bin" / "python", "-c", command, "check", "softmax", "right.py", "thief.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "✓ softmax: 4 of 4 points" in done.stdout, done.stdout + done.stderr
    assert "No module named 'solutions" in done.stdout
