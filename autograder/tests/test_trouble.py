"""A gradebook that somebody else holds, and a disk that is full: the run says so, and the next one finishes it."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from autograder.jail import why_no_jail
from autograder.lesson import PROJECT
from autograder.nbgrader_recording import what_helps
from autograder.recorded_points import recorded_points
from autograder.tests.small_class import LESSON, SmallClass

pytestmark = [pytest.mark.slow, pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here")]
LEARNERS = ("ada", "bo", "cleo", "dan")
KILOBYTE, MEGABYTE = 2**10, 2**20


@pytest.fixture
def small(tmp_path, small_lesson, exercises):
    made = SmallClass(tmp_path / "class", small_lesson, exercises)
    for number, learner in enumerate(LEARNERS):
        wrong = {"blend": f"def blend(weights, values):\n    return {number}\n"}
        made.hand_in(learner, made.answered(wrong if number % 2 else None))
    return made


def points(small):
    return list(recorded_points(f"sqlite:///{small.path / 'gradebook.db'}", LESSON))


def undisturbed(small):
    """The grades of a run that nothing stood in the way of, in a copy of the class."""
    copy = small.path.with_name("undisturbed")
    shutil.copytree(small.path, copy)
    subprocess.run([sys.executable, "-m", "nbgrader", "autograde", LESSON], cwd=copy, check=True, capture_output=True)
    return list(recorded_points(f"sqlite:///{copy / 'gradebook.db'}", LESSON))


@pytest.mark.parametrize("path", ["/workspace/full/locked", "/data/quota"])
def test_a_folder_s_name_says_nothing_of_the_disk(path):
    assert what_helps(f"[Errno 13] Permission denied: '{path}'").startswith("When that is mended")


def test_a_locked_gradebook_is_waited_for(small):
    with closing(sqlite3.connect(small.path / "gradebook.db", check_same_thread=False)) as other:
        other.isolation_level = None
        other.execute("begin immediate")
        threading.Timer(8, other.rollback).start()
        done = small.command("autograde", LESSON)
    assert done.returncode == 0, done.stderr
    assert {learner for learner, _, _ in points(small)} == set(LEARNERS)


def test_a_gradebook_that_stays_locked_ends_the_run_with_what_helps_and_the_next_finishes_it(small):
    wanted = undisturbed(small)
    with closing(sqlite3.connect(small.path / "gradebook.db")) as other:
        other.execute("begin immediate")
        done = small.command("autograde", LESSON, "--SubmissionExporter.patience=0.5")
        other.rollback()
    assert done.returncode != 0
    assert "Another program holds the gradebook" in done.stderr.splitlines()[-1]
    assert not points(small)
    again = small.command("autograde", LESSON)
    assert again.returncode == 0 and points(small) == wanted, again.stderr


def test_a_full_disk_ends_the_run_with_what_helps_and_the_next_finishes_it(small, tmp_path):
    """With no room at all, and with more and more of it: for the sheets, for a copy of the gradebook, for a grade."""
    wanted, place = undisturbed(small), tmp_path / "small-disk"
    place.mkdir()
    rooms = [room * KILOBYTE for room in (0, 60, 200, 260, 320)]
    done = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", "--cap-add", "ALL", "--size", str(24 * MEGABYTE), "--tmpfs", str(place)]
        + [sys.executable, "-m", "autograder.tests.full_disk", str(small.path), str(place), *map(str, rooms)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    *full, last = said["runs"]
    for code, words in full:
        assert code == 0 or "The disk is full. Make room" in words, words
    assert sum(code != 0 for code, _ in full) > 2
    assert last[0] == 0, last[1]
    assert [tuple(row) for row in said["points"]] == wanted
