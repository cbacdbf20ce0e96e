"""`nbgrader autograde` in a class of ours: each trap of nbgrader 0.9.6, seen on stock nbgrader and not in the class.

One class is graded once, with a learner for each trap; a second one, with nbgrader's own settings, shows what they do
there.
"""

import os
from copy import deepcopy

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.utils import determine_grade

from autograder import nbgrader_plugin
from autograder.jail import why_no_jail
from autograder.lesson import PROJECT
from autograder.nbgrader_marks import is_solution, marks
from autograder.private_sheets import SEED
from autograder.tests.small_class import LESSON, SmallClass

pytestmark = pytest.mark.slow
needs_a_jail = pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here")

CHECKS = ["check-softmax", "check-blend"]
ONE_SOFTMAX = "def softmax(scores, axis=-1):\n    e = np.exp(scores)\n    return e / e.sum(axis=axis, keepdims=True)"
WORTHLESS = {
    "softmax": "def softmax(scores, axis=-1):\n    return scores",
    "blend": "def blend(weights, values):\n    pass",
}
NOISY = """\
import sys, warnings
def softmax(scores, axis=-1):
    print("to stderr", file=sys.stderr)
    warnings.warn("careful")
    e = np.exp(scores - np.max(scores, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
softmax(np.zeros(2))"""
DUE, LATE, EARLY = "2030-01-01 00:00:00 UTC", "2030-01-02 00:00:00 UTC", "2029-12-31 00:00:00 UTC"


def is_check(cell):
    return bool(marks(cell.metadata).get("grade"))


def duplicated(notebook):
    notebook.cells = [
        copy for cell in notebook.cells for copy in [cell, deepcopy(cell)][: 1 + is_solution(cell.metadata)]
    ]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    return notebook


def without_checks(notebook):
    notebook.cells = [cell for cell in notebook.cells if not is_check(cell)]
    return notebook


def skipping(notebook):
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution"]
    return notebook


def forging(notebook, source="4.0"):
    for cell in notebook.cells:
        if is_check(cell):
            cell.source = source
            cell.metadata.nbgrader.points = 1000
            cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "1000.0"})]
    return notebook


def dying(notebook):
    notebook.cells[0].source = "import os\nos._exit(0)"
    return notebook


@pytest.fixture(scope="module")
def stock(tmp_path_factory, small_lesson, exercises):
    """A class with nbgrader's own settings in which everything was graded as far as it goes: the class, its log."""
    settings = f"c = get_config()\nc.CourseDirectory.course_id = {nbgrader_plugin.COURSE!r}\n"
    made = SmallClass(tmp_path_factory.mktemp("classes") / "stock", small_lesson, exercises, settings)
    made.hand_in("a-deleted", without_checks(made.answered()))
    made.hand_in("b-skipping", skipping(made.answered(WORTHLESS)))
    made.hand_in("c-dying", dying(made.answered()))
    beside = made.hand_in("d-linking", made.answered())
    (beside.parent / "stolen.txt").symlink_to(made.path / SEED)
    made.hand_in("m-duplicating", duplicated(made.answered()))
    made.hand_in("z-honest", made.answered())
    log = made.command("autograde", LESSON).stderr
    return made, log


@pytest.fixture(scope="module")
def hardened(tmp_path_factory, small_lesson, exercises):
    """A class of ours, graded and with feedback: the class, and what `nbgrader autograde` ended with."""
    made = SmallClass(tmp_path_factory.mktemp("classes") / "autumn", small_lesson, exercises)
    with (made.path / "nbgrader_config.py").open("a") as settings:
        settings.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    with Gradebook(f"sqlite:///{made.path / 'gradebook.db'}") as gradebook:
        gradebook.update_or_create_assignment(LESSON, duedate=DUE)
    made.hand_in("a-deleted", without_checks(made.answered()))
    made.hand_in("b-skipping", skipping(made.answered(WORTHLESS)))
    made.hand_in("c-dying", dying(made.answered()))
    beside = made.hand_in("d-linking", made.answered())
    (beside.parent / "stolen.txt").symlink_to(made.path / SEED)
    os.mkfifo(beside.with_name("timestamp.txt"))
    made.hand_in("e-forging", forging(made.answered(WORTHLESS)))
    made.hand_in("f-broken", nbformat.writes(made.answered()).encode()[:-100])
    made.hand_in("g-missing").with_name("other.ipynb").write_text(nbformat.writes(made.answered()))
    made.hand_in("h-late", made.answered()).with_name("timestamp.txt").write_text(LATE)
    made.hand_in("i-early", made.answered()).with_name("timestamp.txt").write_text(EARLY)
    made.hand_in("j-partial", made.answered({"softmax": ONE_SOFTMAX}))
    made.hand_in("k-noisy", made.answered({"softmax": NOISY}))
    made.hand_in("l-link").symlink_to(made.hand_in("l-owner", made.answered()))
    made.hand_in("m-duplicating", duplicated(made.answered()))
    odd = made.hand_in("n' [o] <b>dd", made.answered())
    (odd.parent / "stolen.txt").symlink_to(made.path / SEED)
    made.hand_in("z-honest", made.answered())
    done = made.command("autograde", LESSON)
    assert made.command("generate_feedback", LESSON).returncode == 0
    return made, done


@pytest.fixture(scope="module")
def most(exercises):
    return {"check-softmax": exercises["softmax"].points, "check-blend": exercises["blend"].points}


NOTHING = dict.fromkeys(CHECKS, 0.0)


def read(*outputs, points=4.0):
    """What nbgrader makes of a grade cell with these outputs."""
    cell = nbformat.v4.new_code_cell("check(softmax)", outputs=list(outputs))
    cell.metadata["nbgrader"] = nbgrader_plugin.grade_cell("check-softmax", points)
    return determine_grade(cell)[0]


def result(text):
    return nbformat.v4.new_output("execute_result", data={"text/plain": text})


@needs_a_jail
def test_nothing_stops_the_batch_and_every_exercise_has_a_grade(hardened):
    made, done = hardened
    assert done.returncode == 0, done.stderr
    scores = made.scores()
    assert scores.keys() == {path.name for path in (made.path / "submitted").iterdir()}
    assert all(list(grades) == CHECKS and None not in grades.values() for grades in scores.values())


@needs_a_jail
def test_a_duplicated_cell_stops_stock_nbgrader_for_the_whole_class_and_not_ours(stock, hardened, most):
    assert "z-honest" not in stock[0].scores()
    assert "Outdated schema version" in stock[1] or "old version" in stock[1]
    assert hardened[0].scores()["z-honest"] == most
    assert hardened[0].scores()["m-duplicating"] == most


@needs_a_jail
def test_a_deleted_grade_cell_leaves_no_grade_in_stock_nbgrader(stock, hardened, most):
    assert stock[0].scores()["a-deleted"] == dict.fromkeys(CHECKS)
    assert hardened[0].scores()["a-deleted"] == most


@needs_a_jail
def test_a_dead_kernel_leaves_no_grade_in_stock_nbgrader(stock, hardened):
    assert stock[0].scores()["c-dying"] == dict.fromkeys(CHECKS)
    assert not (stock[0].path / "autograded" / "c-dying" / LESSON).exists()
    assert hardened[0].scores()["c-dying"] == NOTHING
    assert hardened[0].graded("c-dying").metadata["attention_lab"]["remarks"]


@needs_a_jail
def test_a_word_on_stderr_costs_all_points_in_stock_nbgrader(hardened, most):
    assert read(nbformat.v4.new_output("stream", name="stderr", text="careful"), result("4.0")) == 0
    assert hardened[0].scores()["k-noisy"] == most


@needs_a_jail
def test_a_value_that_is_no_plain_float_earns_everything_in_stock_nbgrader(hardened):
    assert read(result("np.float64(0.0)")) == read(result("<Score>")) == read(result("nan")) == read() == 4.0
    with pytest.raises(ValueError, match="greater than maximum"):
        read(result("5.0"))
    assert hardened[0].scores()["e-forging"] == NOTHING


@needs_a_jail
def test_the_tag_skip_execution_earns_everything_in_stock_nbgrader(stock, hardened, most):
    assert stock[0].scores()["b-skipping"] == most
    assert hardened[0].scores()["b-skipping"] == NOTHING


@needs_a_jail
def test_what_lies_beside_a_submission_is_followed_and_handed_back_in_stock_nbgrader_alone(stock, hardened):
    made, seed = stock[0], (stock[0].path / SEED).read_text()
    assert (made.path / "autograded" / "d-linking" / LESSON / "stolen.txt").read_text() == seed
    made, seed = hardened[0], (hardened[0].path / SEED).read_text().strip()
    for folder in ("autograded", "feedback"):
        files = [path for path in (made.path / folder).rglob("*") if path.is_file()]
        assert {path.stem for path in files} == {LESSON}
        assert not any(seed in path.read_text() for path in files)


@needs_a_jail
def test_a_grade_cell_holds_one_call_so_feedback_shows_no_hidden_test(hardened):
    checks = [cell.source for cell in hardened[0].graded("z-honest").cells if is_check(cell)]
    assert checks == ["check(softmax)", "check(blend)"]


@needs_a_jail
def test_a_grade_cell_works_on_its_own(hardened):
    done = hardened[0].command("validate", f"submitted/z-honest/{LESSON}/{LESSON}.ipynb")
    assert "Success" in done.stdout


@needs_a_jail
def test_a_broken_file_and_a_missing_one_get_nothing_and_a_reason(hardened):
    made = hardened[0]
    for learner, reason in (("f-broken", "could be judged"), ("g-missing", "No notebook was handed in")):
        assert made.scores()[learner] == NOTHING
        assert reason in made.feedback(learner)


@needs_a_jail
def test_a_link_to_the_notebook_of_another_is_not_followed(hardened, most):
    assert hardened[0].scores()["l-owner"] == most
    assert hardened[0].scores()["l-link"] == NOTHING
    assert "not a plain file" in hardened[0].feedback("l-link")


@needs_a_jail
def test_an_odd_name_is_graded_like_any_other(hardened, most):
    assert hardened[0].scores()["n' [o] <b>dd"] == most


@needs_a_jail
def test_partial_credit_arrives_in_the_gradebook(hardened, most):
    scores = hardened[0].scores()["j-partial"]
    assert 0 < scores["check-softmax"] < most["check-softmax"]
    assert scores["check-blend"] == most["check-blend"]


@needs_a_jail
def test_late_penalties_are_nbgraders_own(hardened, most):
    with Gradebook(f"sqlite:///{hardened[0].path / 'gradebook.db'}") as gradebook:
        penalties = {
            learner: gradebook.find_submission_notebook(LESSON, LESSON, learner).late_submission_penalty
            for learner in ("h-late", "i-early", "z-honest", "d-linking")
        }
    assert penalties == {"h-late": sum(most.values()), "i-early": None, "z-honest": None, "d-linking": None}


@needs_a_jail
def test_feedback_holds_the_message_and_neither_seed_nor_path(hardened):
    made = hardened[0]
    assert "softmax-unstable" in made.feedback("j-partial")
    seed = (made.path / SEED).read_text().strip()
    for page in (made.path / "feedback").rglob("*.html"):
        text = page.read_text()
        assert seed not in text and str(int(seed, 16)) not in text
        assert str(made.path) not in text and str(PROJECT / "autograder") not in text


@needs_a_jail
def test_a_second_run_leaves_what_is_graded_alone(hardened):
    made = hardened[0]
    before = {path: path.stat().st_mtime_ns for path in (made.path / "autograded").rglob("*.ipynb")}
    assert made.command("autograde", LESSON).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in (made.path / "autograded").rglob("*.ipynb")} == before


@pytest.fixture
def fresh(tmp_path, small_lesson, exercises):
    """A class with one submission and no grade."""
    made = SmallClass(tmp_path / "autumn", small_lesson, exercises)
    made.hand_in("ada", made.answered())
    return made


def test_without_a_jail_nothing_is_graded_and_the_reason_is_told(fresh, monkeypatch, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setattr(nbgrader_plugin, "environment", lambda: os.environ | {"PATH": str(empty)})
    done = fresh.command("autograde", LESSON)
    assert done.returncode != 0
    assert "bubblewrap" in done.stderr or "container" in done.stderr
    assert not (fresh.path / "autograded").exists()
    assert fresh.scores() == {}


def test_grading_without_a_jail_is_loud_and_recorded(fresh, most):
    done = fresh.command("autograde", LESSON, "--SubmissionExporter.unsafe_no_jail=True")
    assert done.returncode == 0, done.stderr
    assert "WITHOUT A JAIL" in done.stderr
    assert fresh.scores() == {"ada": most}
    notebook = fresh.graded("ada")
    assert "unsafe" in notebook.metadata["attention_lab"]["jail"]
    reports = [cell.outputs[0].data["text/html"] for cell in notebook.cells if is_check(cell)]
    assert len(reports) == 2 and all("without a jail" in report for report in reports)


def test_a_class_that_lost_its_seed_is_not_graded(fresh):
    (fresh.path / SEED).unlink()
    done = fresh.command("autograde", LESSON, "--SubmissionExporter.unsafe_no_jail=True")
    assert done.returncode != 0
    assert "private_seed is missing" in done.stderr
    assert fresh.scores() == {}


def test_an_unknown_limit_is_told(fresh):
    done = fresh.command("autograde", LESSON, "--SubmissionExporter.limits={'minutes': 3}")
    assert done.returncode != 0
    assert "cell_seconds" in done.stderr and fresh.scores() == {}
