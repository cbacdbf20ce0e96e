"""One process records: whole submissions or none, nothing twice, and only what has changed."""

import copy
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from autograder import nbgrader_plugin
from autograder.jail import why_no_jail
from autograder.pending import Ledger
from autograder.recorded_points import recorded_points
from autograder.tests.small_class import LESSON, SmallClass
from autograder.verdict_store import FOLDER, VerdictStore

pytestmark = pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here")
LEARNERS = ("ada", "bo", "cleo", "dan")
WRONG = {"blend": "def blend(weights, values):\n    return values\n"}


@pytest.fixture(scope="module")
def template(tmp_path_factory, small_lesson, exercises):
    """A class in which four learners handed in, three of them the same file."""
    made = SmallClass(tmp_path_factory.mktemp("recording") / "class", small_lesson, exercises)
    for learner in LEARNERS:
        made.hand_in(learner, made.answered(WRONG if learner == "bo" else None))
    return made


@pytest.fixture
def handed_in(template, tmp_path):
    """A copy of it."""
    mine = copy.copy(template)
    mine.path = tmp_path / "class"
    shutil.copytree(template.path, mine.path)
    return mine


def points(small_class):
    return list(recorded_points(f"sqlite:///{small_class.path / 'gradebook.db'}", LESSON))


def grade(small_class, *arguments):
    done = small_class.command("autograde", LESSON, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def dump(small_class):
    """All of the gradebook that is a grade."""
    with closing(sqlite3.connect(small_class.path / "gradebook.db")) as book:
        rows = book.execute(
            "select s.student_id, c.name, g.auto_score, g.manual_score, g.needs_manual_grade from grade g"
            " join base_cell c on c.id = g.cell_id join submitted_notebook n on n.id = g.notebook_id"
            " join submitted_assignment s on s.id = n.assignment_id order by 1, 2"
        )
        return list(rows)


def test_what_is_recorded_is_not_graded_again_and_what_changed_is(handed_in):
    grade(handed_in)
    first = points(handed_in)
    assert {who for who, _, _ in first} == set(LEARNERS)
    assert "4 of 4 are recorded" in grade(handed_in)
    shutil.rmtree(handed_in.path / "submitted" / "bo")
    handed_in.hand_in("bo", handed_in.answered())
    assert "3 of 4 are recorded" in grade(handed_in)
    earned = {who: sum(got for name, _, got in points(handed_in) if name == who) for who in LEARNERS}
    assert earned["bo"] == earned["ada"] > sum(got for name, _, got in first if name == "bo")


def test_equal_files_are_graded_once(handed_in):
    grade(handed_in)
    assert len(list((handed_in.path / FOLDER).glob("??/*.json"))) == 2


def test_a_grade_that_is_stored_is_recorded_without_grading(handed_in):
    grade(handed_in)
    (handed_in.path / "gradebook.db").unlink()
    shutil.rmtree(handed_in.path / "autograded")
    nbgrader_plugin.run(handed_in.path, "generate_assignment", LESSON, "--force")
    for path in (handed_in.path / FOLDER).glob("??/*.json"):
        stored = json.loads(path.read_text())
        stored["notebook"] = re.sub(r'("text/plain": \[?\s*)"4.0"', r'\1"0.123"', stored["notebook"])
        path.write_text(json.dumps(stored))
    grade(handed_in)
    assert 0.123 in {got for _, _, got in points(handed_in)}


def test_a_damaged_store_is_graded_anew(handed_in):
    grade(handed_in)
    before = points(handed_in)
    for number, path in enumerate(sorted((handed_in.path / FOLDER).glob("??/*.json"))):
        path.write_text(path.read_text()[:50] if number else "[]")
    shutil.rmtree(handed_in.path / "autograded")
    grade(handed_in)
    assert points(handed_in) == before


def test_an_older_gradebook_is_filled_again(handed_in):
    shutil.copy(handed_in.path / "gradebook.db", handed_in.path / "old.db")
    grade(handed_in)
    before = points(handed_in)
    shutil.copy(handed_in.path / "old.db", handed_in.path / "gradebook.db")
    assert "0 of 4 are recorded" in grade(handed_in)
    assert points(handed_in) == before


def test_the_gradebook_is_copied_before_anything_is_written(handed_in):
    before = dump(handed_in)
    grade(handed_in)
    copies = sorted((handed_in.path / "backups").glob("gradebook-*.db"))
    assert len(copies) == 1 and copies[0].stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(copies[0])) as book:
        assert book.execute("select count(*) from grade").fetchone() == (0,)
    grade(handed_in)
    assert sorted((handed_in.path / "backups").glob("*")) == copies and before == []


def test_a_submission_that_fails_on_its_way_leaves_nothing_half_recorded(handed_in):
    """A database that is closed half-way: of this learner nothing stands there, and the next run adds it."""
    settings = handed_in.path / "nbgrader_config.py"
    broken = "\nimport sys\nsys.path.insert(0, str(Path(__file__).resolve().parent))\n"
    broken += 'c.Autograde.autograde_preprocessors.insert(1, "fails.Fails")\n'
    text = settings.read_text()
    settings.write_text(text + broken)
    (handed_in.path / "fails.py").write_text(
        "from nbgrader.preprocessors import NbGraderPreprocessor\n"
        "class Fails(NbGraderPreprocessor):\n"
        "    def preprocess(self, nb, resources):\n"
        "        if resources['nbgrader']['student'] == 'bo':\n"
        "            raise RuntimeError('half-way')\n"
        "        return nb, resources\n"
    )
    assert handed_in.command("autograde", LESSON).returncode != 0
    assert {row[0] for row in dump(handed_in)} == set(LEARNERS) - {"bo"}
    settings.write_text(text)
    assert "3 of 4 are recorded" in grade(handed_in)
    assert {row[0] for row in dump(handed_in)} == set(LEARNERS)


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_is_finished_by_the_next(handed_in):
    grade(handed_in)
    undisturbed = dump(handed_in)
    for after in (0.5, 1.5, 2.5, 3.5, 4.5):
        shutil.rmtree(handed_in.path / FOLDER, ignore_errors=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "nbgrader", "autograde", LESSON],
            cwd=handed_in.path,
            env=nbgrader_plugin.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(after)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert dump(handed_in) == undisturbed or len(dump(handed_in)) <= len(undisturbed)
    grade(handed_in)
    assert dump(handed_in) == undisturbed
    ledger = Ledger(handed_in.path, LESSON)
    assert all(ledger.says(learner)[0] for learner in LEARNERS)


def test_a_store_keeps_no_grade_that_failed(tmp_path):
    store = VerdictStore(tmp_path)
    store.put("ab12", json.dumps({"notebook": "{}", "remarks": [], "defects": ["Traceback"]}))
    assert store.get("ab12") is None
    store.put("ab12", json.dumps({"notebook": "{}", "remarks": [], "defects": []}))
    assert json.loads(store.get("ab12"))["notebook"] == "{}"
    assert (tmp_path / FOLDER / "ab" / "ab12.json").stat().st_mode & 0o077 == 0
