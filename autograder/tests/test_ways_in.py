"""Images, the development container, Binder and conda: their steps as scripts, and that what they name is there.

Not covered: that an engine builds the images, and that Binder builds the environment.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.command import ROOT
from autograder.handout import REQUIREMENTS
from autograder.jail import CONTAINER

IMAGE = ROOT / "autograder" / "image"
PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m pip" ]; then echo "$*" >>"$WORLD/pip"
elif [ "$1" = -c ] && [ -n "${SITE:-}" ]; then echo "$SITE"
else exec "$REAL" "$@"
fi
"""


class World:
    """A copy of the project's folder, a `python` that installs nothing, and places to install to."""

    def __init__(self, folder: Path):
        self.folder, self.project = folder, folder / "project"
        self.site, self.bin = folder / "site", folder / "bin"
        for made in (self.project, self.site, self.bin):
            made.mkdir()
        for name in ("lessons", "data", "solutions"):
            shutil.copytree(ROOT / name, self.project / name)
        shutil.copytree(IMAGE, self.project / "autograder" / "image")
        shutil.copy(ROOT / "requirements.txt", self.project)
        self.program(self.bin / "python", PYTHON)

    def program(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def run(self, script, *arguments, **variables):
        environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", "WORLD": str(self.folder), "BIN": str(self.bin)}
        environment |= {"REAL": sys.executable, **variables}
        command = ["sh", script, *arguments]
        return subprocess.run(command, cwd=self.project, env=environment, capture_output=True, text=True)

    def installs(self) -> list[str]:
        return [line.split(" install ", 1)[1] for line in (self.folder / "pip").read_text().splitlines()]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def learners(world):
    done = world.run("autograder/image/install.sh", "learner", SITE=str(world.site), JUPYTERHUB="5.7.11")
    assert done.returncode == 0, done.stderr
    return world


def test_a_learners_image_has_lessons_sheets_and_data_and_no_reference(learners):
    package = learners.site / "attention_lab"
    assert [path.name for path in learners.site.iterdir()] == ["attention_lab"]
    for name in ("check.py", "sheets/softmax.npz", "explorer.js", "data/index.json", "lessons/01_intuition.ipynb"):
        assert (package / name).is_file()
    assert not [path for path in package.rglob("*") if path.name in ("__pycache__", "make_data.py", "intuition.py")]
    program = """if True:
        import attention_lab, numpy as np
        from attention_lab import check, load_sentence, progress
        def softmax(scores, axis=-1):
            e = np.exp(scores - np.max(scores, axis=axis, keepdims=True))
            return e / e.sum(axis=axis, keepdims=True)
        print(attention_lab.__file__, load_sentence("tired").hidden.shape, float(check(softmax)))"""
    environment = os.environ | {"PYTHONPATH": str(learners.site)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=learners.folder, env=environment, capture_output=True, text=True)
    assert str(package) in done.stdout and done.stdout.rstrip().endswith("(7, 16, 384) 4.0"), done.stderr


def test_a_learners_image_installs_what_lessons_need_as_pinned_and_the_hubs_version(learners):
    (installed,) = learners.installs()
    packages = [word for word in installed.split() if not word.startswith("-")]
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    wanted = {f"{name}=={pins[name]}" for name in (*REQUIREMENTS, "nbgrader")}
    assert set(packages) == wanted | {"jupyterhub==5.7.11"} and len(packages) == len(set(packages))


def test_an_instructors_image_is_the_project_set_up_by_its_own_command(world):
    world.program(world.project / "course", '#!/bin/sh\necho "course $*" >>"$WORLD/course"\n')
    world.program(world.project / ".venv" / "bin" / "python", PYTHON)
    done = world.run("autograder/image/install.sh", "instructor")
    assert done.returncode == 0, done.stderr
    assert (world.folder / "course").read_text() == "course --help\n"
    assert world.installs() == ["--no-cache-dir jupyterhub==5.*"]
    assert os.access(world.bin / "attention-lab", os.X_OK)


@pytest.mark.parametrize("role", [(), ("teacher",)])
def test_another_role_is_told_in_a_sentence(world, role):
    done = world.run("autograder/image/install.sh", *role)
    assert done.returncode == 2 and "for a learner or for an instructor" in done.stderr
    assert not (world.folder / "pip").exists()


def test_a_failed_step_ends_the_set_up(world):
    world.program(world.bin / "python", "#!/bin/sh\nexit 3\n")
    assert world.run("autograder/image/install.sh", "learner").returncode == 3
    assert not (world.bin / "attention-lab").exists()


def test_a_container_gives_its_user_the_lessons_once_and_then_runs_its_command(learners):
    home = learners.folder / "home"
    home.mkdir()
    start = learners.bin / "attention-lab"
    variables = {"HOME": str(home), "PYTHONPATH": str(learners.site)}
    done = learners.run(start, "echo", "the server", **variables)
    assert (done.stdout, done.stderr) == ("the server\n", "")
    mine = home / "attention-lab" / "01_intuition.ipynb"
    assert mine.read_bytes() == (ROOT / "lessons" / "01_intuition.ipynb").read_bytes()
    mine.write_text("mine")
    assert learners.run(start, "sh", "-c", "exit 7", **variables).returncode == 7
    assert mine.read_text() == "mine"


def test_a_home_that_cannot_be_written_is_told_and_the_server_starts(learners):
    (learners.folder / "file").write_text("")
    variables = {"HOME": str(learners.folder / "file"), "PYTHONPATH": str(learners.site)}
    done = learners.run(learners.bin / "attention-lab", "echo", "the server", **variables)
    assert done.stdout == "the server\n" and "cannot be written" in done.stderr


def test_the_dockerfile_runs_the_steps_that_are_tested_and_ends_with_the_learners():
    text = (ROOT / "Dockerfile").read_text()
    stages = re.findall(r"^FROM \S+ AS (\w+)$", text, re.MULTILINE)
    assert stages == ["instructor", "learner"]
    for role in stages:
        assert f"autograder/image/install.sh {role}" in text
    learner = text[text.index("AS learner") :]
    assert not re.search("^(COPY|ADD) ", learner, re.MULTILINE) and "--mount=type=bind" in learner
    assert os.access(IMAGE / "install.sh", os.X_OK) and os.access(IMAGE / "start.sh", os.X_OK)
    ignored = set((ROOT / ".dockerignore").read_text().split())
    assert {".git", ".venv", "build"} <= ignored


def test_the_development_container_names_what_is_there():
    settings = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert (ROOT / ".devcontainer" / settings["build"]["dockerfile"]).is_file()
    assert settings["postCreateCommand"] == "./course --help" and os.access(ROOT / "course", os.X_OK)
    asked = {option.removeprefix("--security-opt=") for option in settings["runArgs"]}
    assert asked == set(re.findall(r"--security-opt (\S+)", CONTAINER))


@pytest.mark.parametrize(("file", "root"), [("environment.yml", "."), (".binder/environment.yml", "..")])
def test_conda_and_binder_install_all_that_is_pinned_and_the_project(file, root):
    text = (ROOT / file).read_text()
    python = re.search(r"- python=(\S+)", text)[1]
    assert python in (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    listed = re.findall(r"^      - (.+)$", text, re.MULTILINE)
    requirements = "requirements.txt" if root == "." else f"{root}/requirements.txt"
    assert listed == [f"-r {requirements}", f"-e {root}"]
    assert ((ROOT / file).parent / requirements).is_file() and (
        (ROOT / file).parent / root / "pyproject.toml"
    ).is_file()
