"""A pause of the machine costs nobody a grade."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from autograder.grading_task import handed_out
from autograder.handed_in import HandedIn
from autograder.jail import Limits, why_no_jail
from autograder.jail_processes import tree
from autograder.tests.small_class import SmallClass
from autograder.undisturbed import STILL, TICK, undisturbed

GRADER = """
import pickle, sys
from autograder.grading_task import GradedSubmission, grade
shared, quick, slow = pickle.load(sys.stdin.buffer)
grade(shared, quick)
print("begun", flush=True)
print(GradedSubmission.from_json(grade(shared, slow)).notebook)
"""


@pytest.mark.slow
@pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here")
def test_a_machine_that_stood_still_changes_no_grade(tmp_path, small_lesson, exercises, sheet_of):
    """All processes stop while a cell that sleeps for three of its five seconds runs, the learner's too."""
    small = SmallClass(tmp_path / "class", small_lesson, exercises)
    sheets = {name: sheet_of(name).as_bytes() for name in ("softmax", "blend")}
    shared = handed_out(small.released, sheets, Limits(cell_seconds=5, call_seconds=5), unsafe=False)
    answers = [{}, {"softmax": f"import time\ntime.sleep(3)\n{small.reference['softmax']}"}]
    given = [HandedIn(nbformat.writes(small.answered(each)).encode()) for each in answers]
    with subprocess.Popen([sys.executable, "-c", GRADER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as grader:
        grader.stdin.write(pickle.dumps((shared, *given)))
        grader.stdin.close()
        assert grader.stdout.readline() == b"begun\n"
        time.sleep(1.5)
        stopped = tree(grader.pid)
        for what in (signal.SIGSTOP, signal.SIGCONT):
            for pid in stopped:
                os.kill(pid, what)
            if what == signal.SIGSTOP:
                time.sleep(STILL + TICK + 4)
        notebook = json.loads(grader.stdout.read())
    verdicts = notebook["metadata"]["attention_lab"]["verdicts"]
    assert notebook["metadata"]["attention_lab"]["remarks"] == []
    assert all(part["earned"] for verdict in verdicts for part in verdict["parts"]) and len(verdicts) == 2


def test_what_went_on_without_a_pause_is_done_once():
    assert undisturbed(iter("abc").__next__) == "a"


def test_what_stood_still_is_done_again_but_not_for_ever(monkeypatch):
    monkeypatch.setattr("autograder.undisturbed.STILL", -TICK)  # any time at all counts as a pause
    assert undisturbed(iter("abcd").__next__) == "c"
