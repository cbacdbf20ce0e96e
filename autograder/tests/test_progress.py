"""A learner's own progress: what is remembered and what is not, where, and that no check ever fails for it."""

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from attention_lab import check, progress_file
from attention_lab.check import exercise_names
from attention_lab.progress_table import progress
from attention_lab.verdict import Part, Verdict
from typer.testing import CliRunner

from autograder.command import app

NOON = datetime(2031, 5, 7, 12, tzinfo=UTC)
FIELDS = ["exercise", "points", "max_points", "passed", "misconceptions", "time"]


def softmax(scores, axis=-1):
    """Right, and one line of it says a word that must not be remembered: chrysanthemum."""
    positive = np.exp(scores - np.max(scores, axis=axis, keepdims=True))
    return positive / positive.sum(axis=axis, keepdims=True)


def softmax_of_everything(scores, axis=-1):
    positive = np.exp(scores - np.max(scores))
    return positive / positive.sum()


softmax_of_everything.__name__ = "softmax"


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "of" / "mine" / "progress.jsonl"
    monkeypatch.setenv("ATTENTION_LAB_PROGRESS", str(path))
    return path


def verdict(exercise="softmax", earned=True, misconceptions=()):
    return Verdict(exercise, (Part("rows", 3, earned), Part("axes", 2, True)), "seen", misconceptions=misconceptions)


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def row(exercise="softmax"):
    (found,) = (row for row in progress().rows if row.exercise == exercise)
    return found


def test_a_verdict_is_one_line_of_six_fields_and_holds_nothing_of_the_code(file):
    check(softmax_of_everything)
    check(softmax)
    wrong, right = lines(file)
    assert list(wrong) == list(right) == FIELDS
    assert (wrong["points"], wrong["passed"], wrong["misconceptions"]) == (0.0, False, ["softmax-over-everything"])
    assert (right["points"], right["max_points"], right["passed"], right["misconceptions"]) == (4.0, 4.0, True, [])
    assert "chrysanthemum" not in file.read_text()


def test_the_time_is_that_of_the_verdict_in_utc(file):
    progress_file.remember(verdict(), NOON.astimezone(timezone(timedelta(hours=-7))))
    assert lines(file)[0]["time"] == "2031-05-07T12:00:00+00:00"


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps rights otherwise")
def test_the_file_is_for_its_owner_alone(file):
    progress_file.remember(verdict(), NOON)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_not_started_is_not_remembered(file):
    def softmax(scores, axis=-1):
        raise NotImplementedError()

    assert check(softmax).verdict.started is False
    assert not file.exists()


@pytest.mark.parametrize("word", ["off", "OFF", ""])
def test_it_can_be_turned_off(tmp_path, monkeypatch, word):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENTION_LAB_PROGRESS", word)
    check(softmax)
    assert list(tmp_path.iterdir()) == []
    assert "Nothing is remembered" in repr(progress())


def test_without_the_variable_it_lies_in_the_users_own_data_folder(tmp_path):
    program = "from attention_lab.progress_file import place; print(place())"
    environment = {name: value for name, value in os.environ.items() if name != "ATTENTION_LAB_PROGRESS"}
    environment |= {"XDG_DATA_HOME": str(tmp_path)} if sys.platform == "linux" else {}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert "attention-lab" in done.stdout and done.stdout.strip().endswith("progress.jsonl")
    assert sys.platform != "linux" or done.stdout.startswith(str(tmp_path))
    assert list(tmp_path.iterdir()) == []  # asking makes nothing


def in_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "progress.jsonl"


def a_folder(tmp_path):
    return tmp_path


def a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def no_memory(tmp_path):
    return "/dev/full"


@pytest.mark.skipif(sys.platform != "linux", reason="these are Linux's")
@pytest.mark.parametrize("where", [in_a_file, a_folder, a_pipe, no_memory])
def test_where_it_cannot_be_written_a_check_is_as_ever(tmp_path, monkeypatch, where):
    monkeypatch.setenv("ATTENTION_LAB_PROGRESS", str(where(tmp_path)))
    assert check(softmax) == 4.0
    assert row().tries == 0


def test_the_file_stays_small_and_forgets_no_success(file):
    progress_file.remember(verdict(misconceptions=("softmax-no-shift",), earned=False), NOON)
    progress_file.remember(verdict("blend"), NOON)
    for _ in range(3000):
        progress_file.remember(verdict("attend", earned=False), NOON)
    assert file.stat().st_size < progress_file.MOST_BYTES + 500
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert (row("attend").tries, row("attend").passed, row("attend").points) == (3000, False, 2.0)
    assert row("blend").passed and row("softmax").mistakes


def test_a_file_of_somebody_else_is_never_made_smaller(file, monkeypatch):
    monkeypatch.setattr(progress_file, "MOST_BYTES", 500)
    file.parent.mkdir(parents=True)
    thesis = "To be or not to be.\n" * 37
    file.write_text(thesis)
    progress_file.remember(verdict(), NOON)
    assert file.read_text() == thesis


def test_broken_lines_are_passed_over(file):
    progress_file.remember(verdict(), NOON)
    with file.open("ab") as broken:
        broken.write(b'{"exercise": "softmax", "poi\n[]\n\xff\xfe\nnull\n{"exercise": 1}\n' + b"[" * 100_000 + b"\n")
    progress_file.remember(verdict(), NOON)
    assert row().tries == 2


def test_the_table_has_every_exercise_under_its_lesson_in_its_order(file, lessons, exercises):
    check(softmax_of_everything)
    rows = progress().rows
    assert {row.exercise for row in rows} == set(exercise_names())
    told = [row for row in rows if row.lesson != "in other notebooks"]
    assert [row.exercise for row in told] == [name for lesson in lessons for name in lesson.exercises]
    assert [row.max_points for row in told] == [exercises[row.exercise].points for row in told]
    assert row() == rows[0]
    assert (row().lesson, row().state, row().tries) == ("1 · Intuition", "tried", 1)


def test_a_mistake_is_told_in_the_words_of_its_message_and_only_once(file):
    for function in (softmax_of_everything, softmax, softmax_of_everything):
        check(function)
    assert row().mistakes == ("one softmax over the whole array: a single sum for all rows together",)
    assert (row().state, row().points, row().tries) == ("done", 4.0, 3)


def test_the_table_in_a_notebook_escapes_what_the_file_says(file):
    progress_file.remember(verdict(misconceptions=("<script>alert(1)</script>",)), NOON)
    shown = progress()._repr_html_()
    assert "<script" not in shown and "&lt;script" in shown
    assert "✓ done" in shown and "1 · Intuition" in shown


def test_a_notebook_that_is_handed_in_does_not_tell_whose_home_it_was(file, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert str(tmp_path) not in repr(progress()) + progress()._repr_html_()
    assert "~/of/mine/progress.jsonl" in repr(progress())


def test_the_command_prints_the_table_and_forgets_when_told(file):
    check(softmax_of_everything)
    printed = CliRunner().invoke(app, ["progress"], env={"COLUMNS": "120"}).output
    assert "✗ tried" in printed and "one softmax over the whole array" in printed
    assert str(file) in printed.replace("\n", "") and "ATTENTION_LAB_PROGRESS=off" in printed
    assert "Forgotten" in CliRunner().invoke(app, ["progress", "--forget"]).output
    assert not file.exists()
    assert "nothing to forget" in CliRunner().invoke(app, ["progress", "--forget"]).output


def test_in_a_narrow_terminal_a_mistake_stands_below_the_table_in_whole_lines(file):
    check(softmax_of_everything)
    printed = CliRunner().invoke(app, ["progress"], env={"COLUMNS": "80"}).output
    table, below = printed.split("softmax\n  one softmax over the whole array", 1)
    assert "✗ tried" in table and "one softmax" not in table
    assert max(map(len, table.splitlines())) <= 80


def test_nothing_of_it_knows_a_network():
    program = (
        "import sys; from attention_lab import progress; progress()\n"
        "print({'socket', 'ssl', 'http', 'urllib.request', 'requests', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
