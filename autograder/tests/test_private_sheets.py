"""A class's seed is random, private and kept; its sheets come from it, and are compiled once."""

import io
import stat

import numpy as np
import pytest
from attention_lab.judge import judge
from attention_lab.sheet import PUBLISHED, load_sheet

from autograder import private_sheets as module
from autograder.private_sheets import BITS, SEED, SHEETS, private_sheets, read_seed, write_seed
from autograder.problem import Problem
from solutions.queries_keys_values import project


@pytest.fixture
def directory(tmp_path):
    write_seed(tmp_path)
    return tmp_path


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def project_sheet(directory):
    (sheet,) = private_sheets(directory, ["project"]).values()
    return load_sheet(io.BytesIO(sheet))


def test_only_the_owner_can_read_the_seed_and_the_sheets(directory):
    private_sheets(directory, ["project"])
    assert mode(directory / SEED) == 0o600
    assert mode(directory / SHEETS) == 0o700


def test_every_class_has_a_seed_of_its_own_and_never_a_second(tmp_path, directory):
    (tmp_path / "other").mkdir()
    write_seed(tmp_path / "other")
    first, second = read_seed(directory), read_seed(tmp_path / "other")
    assert first != second
    assert max(first.bit_length(), second.bit_length()) > BITS - 20
    with pytest.raises(FileExistsError):
        write_seed(directory)
    assert read_seed(directory) == first


def test_other_seeds_give_other_cases_and_the_same_judgement(tmp_path, directory):
    sheet = project_sheet(directory)
    published = load_sheet(PUBLISHED / "project.npz")
    assert not sheet.agrees_with(published)
    assert judge(sheet, project).passed and judge(published, project).passed


def test_sheets_are_compiled_once(directory, monkeypatch):
    first = project_sheet(directory)
    monkeypatch.setattr("autograder.exercises.compile_sheet", lambda *arguments: pytest.fail("compiled again"))
    second = project_sheet(directory)
    assert first.agrees_with(second)
    assert all(np.array_equal(a.expected[0], b.expected[0]) for a, b in zip(first.cases, second.cases, strict=True))


def test_sheets_are_compiled_again_when_what_they_are_made_from_has_changed(directory, monkeypatch, tmp_path):
    private_sheets(directory, ["project"])
    (before,) = (directory / SHEETS).iterdir()
    (tmp_path / "changed.py").write_text("# a new mistake")
    monkeypatch.setattr(module, "_MADE_FROM", (*module._MADE_FROM, tmp_path / "changed.py"))
    private_sheets(directory, ["project"])
    (after,) = (directory / SHEETS).iterdir()
    assert before.name != after.name


def test_what_is_no_exercise_has_no_sheet(directory):
    assert private_sheets(directory, ["an essay"]) == {}


def test_a_lost_seed_is_not_replaced(directory):
    (directory / SEED).write_text("not a seed")
    with pytest.raises(Problem, match="holds no seed"):
        private_sheets(directory, ["project"])
    (directory / SEED).unlink()
    with pytest.raises(Problem, match="missing"):
        private_sheets(directory, ["project"])
    assert not (directory / SEED).exists()
