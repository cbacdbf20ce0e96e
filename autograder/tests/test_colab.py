"""The cell for Colab: built from one address, silent elsewhere, and absent where there is no address."""

import subprocess
import sys
from copy import deepcopy
from types import ModuleType, SimpleNamespace

import nbformat
import pytest

from autograder import notebooks
from autograder.build import read_lessons
from autograder.colab import CELL, repository, with_colab_cell
from autograder.graft import graft
from autograder.lesson import CODE, PROJECT, PROSE, Cell, Lesson
from autograder.problem import Problem

ADDRESS = "https://example.org/attention-lab"
EXERCISES = {"softmax": SimpleNamespace(id="softmax", lesson="01_toy", points=3.0)}


@pytest.fixture
def lesson(lessons):
    """A title and one exercise."""
    cells = [cell for cell in lessons[0].cells if cell.names == ("softmax",)]
    return Lesson("01_toy", (Cell(PROSE, "# A toy"), Cell(CODE, "from attention_lab import check"), *cells))


@pytest.fixture
def colab_cell():
    return CELL.format(address=f"git+{ADDRESS}")


def project(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    return tmp_path


def test_the_address_is_the_one_in_pyproject(tmp_path):
    assert repository(tmp_path) is None
    assert repository(project(tmp_path, '[project]\nname = "x"\n')) is None
    assert repository(project(tmp_path, f'[project.urls]\nRepository = "{ADDRESS}"\n')) == ADDRESS


@pytest.mark.parametrize("address", ["attention-lab", "http://example.org", "https://example.org/'; import os"])
def test_an_address_that_could_not_be_fetched_from_is_told(tmp_path, address):
    with pytest.raises(Problem, match="begins with https"):
        repository(project(tmp_path, f'[project.urls]\nRepository = "{address}"\n'))


def test_lessons_have_the_cell_when_and_only_when_there_is_an_address(lessons):
    expected = repository(PROJECT) is not None
    assert {any("colab" in cell.tags for cell in lesson.cells) for lesson in lessons} == {expected}


def test_an_address_gives_every_lesson_the_cell_below_its_title(tmp_path, monkeypatch, lessons, exercises):
    monkeypatch.setattr("autograder.build.repository", lambda root: ADDRESS)
    for before, after in zip(lessons, read_lessons(PROJECT, exercises), strict=True):
        assert [cell for cell in after.cells if "colab" not in cell.tags] == [
            cell for cell in before.cells if "colab" not in cell.tags
        ]
        assert "colab" in after.cells[1].tags and ADDRESS in after.cells[1].text


def test_the_built_notebook_has_it_folded_and_the_others_as_they_were(lesson, colab_cell):
    plain = notebooks.learner_notebook(lesson, EXERCISES, PROJECT)
    made = notebooks.learner_notebook(with_colab_cell(lesson, ADDRESS), EXERCISES, PROJECT)
    assert made.cells[1].source == colab_cell
    assert made.cells[1].metadata.jupyter.source_hidden is True
    assert [made.cells[0], *made.cells[2:]] == plain.cells


def test_grading_takes_the_answer_from_a_notebook_without_the_cell(lesson, colab_cell):
    pristine = notebooks.learner_notebook(with_colab_cell(lesson, ADDRESS), EXERCISES, PROJECT)
    handed_in = deepcopy(pristine)
    del handed_in.cells[1]  # as one who found it in the way
    answer = next(cell for cell in handed_in.cells if "YOUR CODE HERE" in cell.source)
    answer.source = "def softmax(scores, axis=-1):\n    return scores"
    grown = graft(nbformat.writes(handed_in).encode(), pristine)
    assert [cell.source for cell in grown.cells][0] == colab_cell
    assert answer.source in [cell.source for cell in grown.cells]


def test_elsewhere_it_does_nothing(colab_cell, monkeypatch):
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something was started"))
    names = {}
    exec(colab_cell, names)
    assert set(names) - {"__builtins__"} == {"sys"}


def test_in_colab_it_installs_the_course_and_leaves_its_pytorch_alone(colab_cell, monkeypatch):
    started, allowed = [], []
    colab = ModuleType("google.colab")
    colab.output = SimpleNamespace(enable_custom_widget_manager=lambda: allowed.append(True))
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.setattr(subprocess, "run", lambda command, check: started.append(command))
    exec(colab_cell, {})
    assert [command[:4] for command in started] == [[sys.executable, "-m", "pip", "install"]] * 2
    assert started[-1][-2:] == ["--no-deps", f"git+{ADDRESS}"]
    assert "torch" not in " ".join(started[0]) and allowed == [True]
