"""One submission, graded: every exercise gets a verdict, and nothing of the submission but its answers counts."""

import html
import json
import random
import threading
from contextlib import contextmanager
from copy import deepcopy

import nbformat
import pytest
from attention_lab.observation import Failure, Reported

from autograder import grading, jail, notebooks, session
from autograder.demo import reference_answers
from autograder.grading import OURS, grade_notebook, nothing_to_judge
from autograder.jail import Limits, why_no_jail
from autograder.lesson import PROJECT
from autograder.nbgrader_marks import grade_id_of, is_solution
from autograder.undisturbed import TIMES

ONE_SOFTMAX = "def softmax(scores, axis=-1):\n    e = np.exp(scores)\n    return e / e.sum(axis=axis, keepdims=True)"
EXERCISES = ["softmax", "blend"]


class OpenAir:
    """Stands in for a session: runs the cells here, which only a test may do."""

    ended, exit_code = "", None

    def __init__(self, cells):
        self.ran, self.outputs, self.names = [source for _, source in cells], {}, {}
        for id_, source in cells:
            try:
                exec(source, self.names)
                self.outputs[id_] = [{"output_type": "stream", "name": "stdout", "text": "<b>done</b>"}]
            except Exception as error:
                failed = {"output_type": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": []}
                self.outputs[id_] = [failed]

    def function(self, name):
        if name not in self.names:
            raise_missing = Reported(Failure("NameError", f"name '{name}' is not defined"))

            def missing(*arguments, **named):
                raise raise_missing

            return missing
        return self.names[name]


@pytest.fixture
def sessions(monkeypatch):
    """Every session that was opened."""
    opened = []

    @contextmanager
    def open_here(cells, limits, unsafe):
        opened.append(OpenAir(cells))
        yield opened[-1]

    monkeypatch.setattr(grading, "open_session", open_here)
    return opened


@pytest.fixture(scope="module")
def pristine(small_lesson, exercises):
    return notebooks.learner_notebook(small_lesson, exercises, PROJECT)


@pytest.fixture(scope="module")
def sheets(sheet_of):
    return {name: sheet_of(name) for name in EXERCISES}


@pytest.fixture(scope="module")
def handed_in(pristine, small_lesson):
    """The bytes of a notebook in which what is not given is answered by the reference."""
    reference = reference_answers(small_lesson, PROJECT)

    def fill(**answers):
        notebook = deepcopy(pristine)
        for cell in notebook.cells:
            if is_solution(cell.metadata):
                cell.source = (dict(reference) | answers)[grade_id_of(cell.metadata)]
        return nbformat.writes(notebook).encode()

    return fill


def points(graded):
    return {name: verdict.points for name, verdict in graded.verdicts.items()}


def grade_cells(notebook):
    return {cell.source: cell for cell in notebook.cells if cell.source.startswith("check(")}


def test_right_answers_earn_everything(sessions, pristine, sheets, handed_in, exercises):
    graded = grade_notebook(handed_in(), pristine, sheets)
    assert points(graded) == {name: exercises[name].points for name in EXERCISES}
    assert (graded.remarks, graded.defects) == ((), ())


def test_a_part_of_an_answer_earns_its_part(sessions, pristine, sheets, handed_in):
    graded = grade_notebook(handed_in(softmax=ONE_SOFTMAX), pristine, sheets)
    verdict = graded.verdicts["softmax"]
    assert 0 < verdict.points < verdict.max_points
    assert verdict.misconceptions == ("softmax-unstable",)
    assert graded.verdicts["blend"].passed


def test_a_grade_cell_holds_one_plain_number_and_is_never_run(sessions, pristine, sheets, handed_in):
    notebook = grade_notebook(handed_in(softmax=ONE_SOFTMAX), pristine, sheets).notebook
    for name, cell in zip(EXERCISES, grade_cells(notebook).values(), strict=True):
        (output,) = cell.outputs
        assert output.output_type == "execute_result"
        assert (
            float(output.data["text/plain"])
            == grade_notebook(handed_in(softmax=ONE_SOFTMAX), pristine, sheets).verdicts[name].points
        )
        assert f'data-exercise="{name}"' in output.data["text/html"]
    assert not any("check(softmax)" in source for source in sessions[0].ran)


def test_the_notebook_that_is_kept_is_valid_and_shows_what_the_cells_printed(sessions, pristine, sheets, handed_in):
    notebook = grade_notebook(handed_in(), pristine, sheets).notebook
    nbformat.validate(notebook)
    assert notebook.cells[0].outputs[0].text == "<b>done</b>"
    assert notebook.cells[0].execution_count == 1


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[]", b'{"cells": 3}', b'{"cells": []}'], ids=repr)
def test_a_broken_file_ends_in_no_points_with_a_reason_and_nothing_is_run(sessions, pristine, sheets, raw):
    graded = grade_notebook(raw, pristine, sheets)
    assert points(graded) == {"softmax": 0.0, "blend": 0.0}
    assert graded.remarks and graded.defects == ()
    assert all(verdict.message == graded.remarks[0] for verdict in graded.verdicts.values())
    assert sessions == []
    report = next(iter(grade_cells(graded.notebook).values())).outputs[0].data["text/html"]
    assert report.count(html.escape(graded.remarks[0].split("`")[0])) == 1
    assert all(cell.outputs[0].data["text/plain"] == "0.0" for cell in grade_cells(graded.notebook).values())


def test_an_untouched_notebook_is_not_started(sessions, pristine, sheets):
    graded = grade_notebook(nbformat.writes(pristine).encode(), pristine, sheets)
    assert [verdict.started for verdict in graded.verdicts.values()] == [False, False]
    assert points(graded) == {"softmax": 0.0, "blend": 0.0}


def test_a_deleted_grade_cell_is_put_back_and_graded(sessions, pristine, sheets, handed_in):
    content = json.loads(handed_in())
    content["cells"] = [cell for cell in content["cells"] if "check(softmax)" not in "".join(cell["source"])]
    graded = grade_notebook(json.dumps(content).encode(), pristine, sheets)
    assert graded.verdicts["softmax"].passed
    assert graded.remarks
    assert list(grade_cells(graded.notebook)) == ["check(softmax)", "check(blend)"]


def test_what_there_is_to_say_stands_on_top_and_in_the_first_report(sessions, pristine, sheets, handed_in):
    content = json.loads(handed_in())
    content["cells"] = [cell for cell in content["cells"] if "check(softmax)" not in "".join(cell["source"])]
    notebook = grade_notebook(json.dumps(content).encode(), pristine, sheets).notebook
    first, second = grade_cells(notebook).values()
    assert "put back" in notebook.cells[0].source
    assert "put back" in first.outputs[0].data["text/html"]
    assert "put back" not in second.outputs[0].data["text/html"]


def test_a_session_that_ended_early_is_told(sessions, pristine, sheets, handed_in, monkeypatch):
    monkeypatch.setattr(OpenAir, "ended", "It took more than 180 seconds.")
    assert grade_notebook(handed_in(), pristine, sheets).remarks == ("It took more than 180 seconds.",)


def test_a_defect_of_ours_ends_in_a_grade_and_is_kept_from_the_learner(pristine, sheets, handed_in, monkeypatch):
    def fails(*arguments):
        raise RuntimeError("/home/teacher/classes/autumn")

    monkeypatch.setattr(grading, "open_session", fails)
    graded = grade_notebook(handed_in(), pristine, sheets)
    assert points(graded) == {"softmax": 0.0, "blend": 0.0}
    assert all(verdict.message == OURS for verdict in graded.verdicts.values())
    assert "/home/teacher/classes/autumn" in graded.defects[0]
    assert "/home/teacher" not in nbformat.writes(graded.notebook)
    assert graded.notebook.metadata["attention_lab"]["grading_failed"]


def test_a_judge_that_fails_on_one_exercise_leaves_the_others(sessions, pristine, sheets, handed_in, monkeypatch):
    judge = grading.judge
    monkeypatch.setattr(
        grading, "judge", lambda sheet, call: 1 / 0 if sheet.exercise == "softmax" else judge(sheet, call)
    )
    graded = grade_notebook(handed_in(), pristine, sheets)
    assert graded.verdicts["softmax"].message == OURS
    assert graded.verdicts["blend"].passed
    assert len(graded.defects) == 1


def test_a_grade_without_a_jail_is_marked_in_the_notebook_and_in_every_report(sessions, pristine, sheets, handed_in):
    for graded in (
        grade_notebook(handed_in(), pristine, sheets, unsafe=True),
        nothing_to_judge(pristine, sheets, "No notebook.", unsafe=True),
    ):
        assert "unsafe" in graded.notebook.metadata["attention_lab"]["jail"]
        assert all("without a jail" in c.outputs[0].data["text/html"] for c in grade_cells(graded.notebook).values())
    jailed = grade_notebook(handed_in(), pristine, sheets)
    assert "unsafe" not in jailed.notebook.metadata["attention_lab"]["jail"]


def test_a_grade_cell_of_no_exercise_of_ours_earns_nothing(sessions, pristine, sheets, handed_in):
    graded = grade_notebook(handed_in(), pristine, {"blend": sheets["blend"]})
    assert list(graded.verdicts) == ["blend"]
    output = grade_cells(graded.notebook)["check(softmax)"].outputs[0]
    assert output.data["text/plain"] == "0.0"


def test_the_pristine_notebook_stays_as_it_is(sessions, pristine, sheets, handed_in):
    before = nbformat.writes(pristine)
    grade_notebook(handed_in(), pristine, sheets, unsafe=True)
    nothing_to_judge(pristine, sheets, "No notebook.")
    assert nbformat.writes(pristine) == before


@pytest.mark.slow
@pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here")
def test_ten_gradings_in_any_order_give_the_same_bytes(pristine, sheets, handed_in):
    submissions = {
        "right": handed_in(),
        "partly": handed_in(softmax=ONE_SOFTMAX),
        "dying": handed_in(blend="def blend(weights, values):\n    import os\n    os._exit(0)"),
    }
    seen = {name: set() for name in submissions}
    order = list(submissions)
    for number in range(10):
        random.Random(number).shuffle(order)
        for name in order:
            graded = grade_notebook(submissions[name], pristine, sheets)
            seen[name].add((nbformat.writes(graded.notebook), repr(graded.verdicts), graded.remarks))
    assert {name: len(results) for name, results in seen.items()} == dict.fromkeys(submissions, 1)


# What is killed


@pytest.fixture
def killed(monkeypatch):
    """Makes the given number of jails be killed from outside half a second after they begin; those that began."""
    begun = []

    def kill(first):
        def start(files, limits, **settings):
            jailed = jail.start(files, limits, **settings)
            begun.append(jailed)
            if len(begun) <= first:
                threading.Timer(0.5, jailed.process.kill).start()
            return jailed

        monkeypatch.setattr(session, "start", start)
        return begun

    return kill


SLEEPS = "import time\ntime.sleep(1.5)\n"
needs_jail = pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here")


@needs_jail
@pytest.mark.parametrize("warm", [True, False])
def test_a_jail_that_was_killed_from_outside_costs_no_grade(killed, pristine, sheets, handed_in, warm):
    begun, raw = killed(1), handed_in(softmax=SLEEPS + ONE_SOFTMAX)
    graded = grade_notebook(raw, pristine, sheets, Limits(warm=warm))
    assert (len(begun), graded.remarks, graded.defects) == (2, (), ())
    assert points(graded)["blend"] == 2 and points(graded)["softmax"] > 0


@needs_jail
def test_a_jail_that_is_killed_again_and_again_is_no_doing_of_the_learner_s(killed, pristine, sheets, handed_in):
    begun = killed(TIMES)
    graded = grade_notebook(handed_in(softmax=SLEEPS + ONE_SOFTMAX), pristine, sheets)
    assert (len(begun), graded.remarks) == (TIMES, (OURS,))
    assert "killed from outside" in graded.defects[0]


@needs_jail
def test_who_kills_their_own_process_is_told_so(killed, pristine, sheets, handed_in):
    begun = killed(0)
    graded = grade_notebook(handed_in(softmax="import os\nos.kill(os.getpid(), 9)"), pristine, sheets)
    assert (len(begun), graded.defects) == (TIMES, ())
    assert graded.remarks == ("This notebook ended Python itself (exit code 137), and was stopped.",)
