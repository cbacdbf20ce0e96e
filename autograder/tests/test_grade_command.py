"""`./course grade`: it grades what nbgrader would, refuses where that would be unsafe, and tells how it went."""

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from autograder import grade_command, nbgrader_plugin
from autograder.command import app
from autograder.grade_command import grade_class
from autograder.jail import why_no_jail
from autograder.pending import Ledger
from autograder.private_sheets import SEED
from autograder.problem import Problem
from autograder.tests.small_class import LESSON, SmallClass

needs_a_jail = pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here")


@pytest.fixture(scope="module")
def made(tmp_path_factory, small_lesson, exercises):
    """A class: right answers, a folder without a notebook, one wrong answer."""
    made = SmallClass(tmp_path_factory.mktemp("classes") / "autumn", small_lesson, exercises)
    made.hand_in("[red]ada", made.answered())
    made.hand_in("bea")
    made.hand_in("cem", made.answered({"blend": "def blend(weights, values):\n    return values"}))
    return made


@pytest.fixture(scope="module")
def graded(made):
    """The class, graded by the command; what it printed."""
    return printed(made.path)


def printed(directory, asked="1", **settings):
    screen = io.StringIO()
    grade_class(directory, asked, Console(file=screen, width=160), **settings)
    return screen.getvalue()


@needs_a_jail
@pytest.mark.slow
def test_everyone_who_handed_in_a_folder_is_graded_and_shown(made, graded, exercises):
    most = {f"check-{name}": exercises[name].points for name in ("softmax", "blend")}
    assert made.scores() == {"[red]ada": most, "bea": dict.fromkeys(most, 0.0), "cem": most | {"check-blend": 0.0}}
    (row,) = (line for line in graded.splitlines() if "[red]ada" in line)
    assert row.split()[1:] == [f"{points:g}" for points in [*most.values(), sum(most.values())]]
    assert "No notebook was handed in" in graded


@needs_a_jail
@pytest.mark.slow
def test_what_has_a_grade_is_left_alone_without_force(made, graded):
    place = made.path / "autograded" / "bea" / LESSON / f"{LESSON}.ipynb"
    before = place.stat().st_mtime_ns
    assert "3 of 3 had a grade already" in printed(made.path)
    assert place.stat().st_mtime_ns == before
    again = printed(made.path, student="bea", force=True)
    assert "[red]ada" not in again and "bea" in again
    assert place.stat().st_mtime_ns > before


@needs_a_jail
@pytest.mark.slow
def test_a_grade_that_failed_is_told_by_name(made, graded, monkeypatch):
    ledger = Ledger(made.path, LESSON)
    key, _ = ledger.says("bea")
    ledger.record("bea", key, failed=True)
    monkeypatch.setattr(grade_command, "_autograde", lambda *arguments: None)
    with pytest.raises(Problem, match="1 of 3: 'bea'"):
        printed(made.path)


def test_without_a_jail_nothing_is_graded(made, monkeypatch, small_lesson):
    monkeypatch.setattr(grade_command, "why_no_jail", lambda: "Install bubblewrap.")
    monkeypatch.setattr(nbgrader_plugin, "started", lambda *arguments: pytest.fail("graded"))
    result = CliRunner().invoke(app, ["grade", str(made.path), "1"])
    assert (result.exit_code, result.output) == (2, "Install bubblewrap.\n")


def test_without_a_jail_by_wish_is_loud(made, monkeypatch):
    asked = []

    def started(directory, *arguments, program):
        asked.append((program, *arguments))
        raise Problem("stopped here")

    monkeypatch.setattr(nbgrader_plugin, "started", started)
    result = CliRunner().invoke(app, ["grade", str(made.path), LESSON, "--unsafe-no-jail", "--student", "bea"])
    assert "WITHOUT A JAIL" in result.output
    assert "--SubmissionExporter.unsafe_no_jail=True" in asked[0]
    assert asked[0][0] == "nbgrader"  # no jail is tried, and nothing is loaded in one
    assert "--SubmissionExporter.only=bea" in asked[0]


@pytest.mark.parametrize(
    ("asked", "settings", "told"),
    [("9", {}, "no lesson"), ("1", {"student": "zoe"}, "zoe has handed in nothing")],
)
def test_what_is_not_there_is_told(made, monkeypatch, asked, settings, told):
    monkeypatch.setattr(grade_command, "why_no_jail", lambda: None)
    with pytest.raises(Problem, match=told):
        printed(made.path, asked, **settings)


def test_only_a_class_whose_settings_name_the_jail_is_graded(tmp_path):
    with pytest.raises(Problem, match="is no class"):
        printed(tmp_path)
    (tmp_path / "source").mkdir()
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    with pytest.raises(Problem, match=f"would run without a jail.*{SEED}"):
        printed(tmp_path)
