"""`./course export`: files that Canvas and Moodle import, less late penalties, and nothing overwritten in silence."""

import csv
import os
import stat
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.class_gradebook import read_records
from autograder.command import app
from autograder.export_command import export_scores
from autograder.problem import Problem
from autograder.safe_csv import csv_text, write_text
from autograder.tests.recorded_class import RecordedClass


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Ada late in the first lesson and missing in the second; Bea with no name; Points Possible, so called."""
    made = RecordedClass(tmp_path_factory.mktemp("classes") / "autumn")
    made.add_lesson("01_first", {"softmax": 4.0, "blend": 2.5})
    made.add_lesson("02_second", {"attend": 3.0})
    made.enroll("ada", first_name="Ada", last_name="Ito", email="ada@example.org", lms_user_id="1117")
    made.record("ada", "01_first", [("softmax", 3.0), ("blend", 2.5)], when=datetime(2026, 3, 5, 7), penalty=1.25)
    made.record("bea", "01_first", [("softmax", 1.0), ("blend", 0.0)], penalty=2.0)
    made.record("bea", "02_second", [("attend", 3.0)])
    made.enroll("=cmd()", first_name="Points Possible", last_name="@SUM(A1)")
    return made


def exported(made, wanted):
    return list(csv.reader(export_scores(made.path, wanted, Path("-"))[0].splitlines()))


def test_canvas_gets_its_columns_the_points_possible_and_everyone(made):
    header, possible, *learners = exported(made, "canvas")
    assert header == ["Student", "ID", "SIS Login ID", "Section", "01_first", "02_second"]
    assert possible == ["    Points Possible", "", "", "", "6.5", "3"]
    assert learners[1:] == [
        ["Ito, Ada", "1117", "ada", "", "4.25", ""],
        ["bea", "", "bea", "", "0", "3"],
    ]


def test_no_learner_is_read_as_the_row_of_points(made):
    """Canvas takes every row whose first cell holds these words for that row."""
    _, _, hostile, *_ = exported(made, "canvas")
    assert hostile == ["'@SUM(A1), Points-Possible", "", "'=cmd()", "", "", ""]


def test_moodle_gets_who_it_is_and_a_column_for_each_lesson(made):
    assert exported(made, "moodle") == [
        ["username", "email", "idnumber", "01_first", "02_second"],
        ["'=cmd()", "", "'=cmd()", "-", "-"],
        ["ada", "ada@example.org", "1117", "4.25", "-"],
        ["bea", "", "bea", "0", "3"],
    ]


def test_the_plain_file_has_all_there_is(made):
    rows = exported(made, "csv")
    ada = dict(zip(rows[0], rows[1], strict=True))
    assert ada == {
        "student": "ada",
        "last_name": "Ito",
        "first_name": "Ada",
        "email": "ada@example.org",
        "lesson": "01_first",
        "score": "4.25",
        "max_score": "6.5",
        "before_penalty": "5.5",
        "late_penalty": "1.25",
        "handed_in": "2026-03-05T07:00:00+00:00",
        "exercises": "softmax=3; blend=2.5",
    }
    assert [row[0] for row in rows[1:]] == ["ada", "bea", "bea"]


def test_scores_are_those_of_nbgraders_own_export(made):
    with made.gradebook() as gradebook:
        theirs = {
            (work.student.id, lesson.name): max(0.0, work.score - work.late_submission_penalty)
            for lesson in gradebook.assignments
            for work in gradebook.assignment_submissions(lesson.name)
        }
        most = {lesson.name: lesson.max_score for lesson in gradebook.assignments}
    records = read_records(made.path)
    assert {(work.learner, work.lesson): work.score for work in records.handed} == theirs
    assert {lesson.name: lesson.max_score for lesson in records.lessons} == most


def test_points_that_a_person_gave_count(made, tmp_path):
    given = RecordedClass(tmp_path)
    given.add_lesson("01_first", {"softmax": 4.0})
    given.record("ada", "01_first", [("softmax", 1.0)])
    with given.gradebook() as gradebook:
        grade = gradebook.find_grade("check-softmax", "01_first", "01_first", "ada")
        grade.manual_score, grade.extra_credit = 3.0, 0.5
        gradebook.db.commit()
    assert exported(given, "moodle")[1][-1] == "3.5"


def test_a_file_is_written_into_the_class_and_what_gives_way_is_told(made):
    def command(*more):
        return CliRunner().invoke(app, ["export", str(made.path), "--format", "canvas", *more]).output.strip()

    path = made.path / "grades-canvas.csv"
    assert command() == str(path)
    assert command() == f"{path} (in the place of what was there before)"
    assert path.read_bytes().startswith(b"Student,ID,SIS Login ID,Section,01_first,02_second\r\n")
    elsewhere = made.path / "new" / "mine.csv"
    assert command("--to", str(elsewhere)) == str(elsewhere)
    assert elsewhere.read_bytes() == path.read_bytes()


def test_the_screen_gets_the_file_and_nothing_else(made):
    printed = CliRunner().invoke(app, ["export", str(made.path), "--format", "moodle", "--to", "-"]).output
    assert list(csv.reader(printed.splitlines())) == exported(made, "moodle")


@pytest.mark.parametrize(("wanted", "told"), [("excel", "canvas, moodle, csv"), ("", "canvas, moodle, csv")])
def test_an_unknown_format_lists_those_there_are(made, wanted, told):
    with pytest.raises(Problem, match=told):
        export_scores(made.path, wanted, None)


def test_what_is_no_class_or_has_no_grades_is_told(tmp_path):
    with pytest.raises(Problem, match="is no class"):
        export_scores(tmp_path, "csv", None)
    made = RecordedClass(tmp_path)
    with pytest.raises(Problem, match="no gradebook yet"):
        export_scores(tmp_path, "csv", None)
    made.add_lesson("01_first", {"softmax": 4.0})
    with pytest.raises(Problem, match="Nobody has a grade"):
        export_scores(tmp_path, "csv", None)


def test_a_place_that_cannot_be_written_is_told(made):
    with pytest.raises(Problem, match="is a directory"):
        export_scores(made.path, "csv", made.path)
    with pytest.raises(Problem, match="cannot be written"):
        export_scores(made.path, "csv", made.path / "gradebook.db" / "grades.csv")


def test_the_gradebook_is_the_one_that_the_settings_name(tmp_path):
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    made = RecordedClass(tmp_path / "autumn", f'\nc.CourseDirectory.db_url = "{url}"\n', url)
    made.add_lesson("01_first", {"softmax": 4.0})
    made.record("ada", "01_first", [("softmax", 3.0)])
    assert exported(made, "moodle")[1] == ["ada", "", "ada", "3"]
    assert not (made.path / "gradebook.db").exists()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ('c.CourseDirectory.db_url = "nosuch://ada:secret@localhost/x"', "cannot be read: "),
        ('c.CourseDirectory.db_url = "no address"', "cannot be read: "),
        ("1 / 0", "cannot be read: ZeroDivisionError"),
    ],
)
def test_settings_that_lead_nowhere_are_told_without_the_password(tmp_path, setting, told):
    RecordedClass(tmp_path, f"\n{setting}\n")
    with pytest.raises(Problem, match=told) as problem:
        export_scores(tmp_path, "csv", None)
    assert "secret" not in str(problem.value) and "\n" not in str(problem.value)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\t=1", "  =1", "\n-1", "＝1"])
def test_a_text_is_no_formula(text):
    (cell,) = next(csv.reader([csv_text([[text]])]))
    assert cell.startswith("'")


def test_numbers_stay_numbers_and_texts_keep_their_commas():
    row = [-1.5, 7, 1 / 3, True, None, float("nan"), 'a,"b"', "-", "two\nlines"]
    assert next(csv.reader([csv_text([row])])) == ["-1.5", "7", "0.333333", "yes", "", "", 'a,"b"', "-", "two lines"]


def test_a_file_is_as_private_as_the_user_wants_it(tmp_path):
    before = os.umask(0o077)
    try:
        assert write_text(tmp_path / "grades.csv", "a") is False
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "grades.csv").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["grades.csv"]
