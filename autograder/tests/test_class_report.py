"""`./course report`: what a class got right, which mistakes it made and which together, and whose name is not told."""

import csv
import re
import shutil
from datetime import datetime
from html.parser import HTMLParser

import pytest
from attention_lab.verdict import Part, Verdict
from typer.testing import CliRunner

from autograder.class_gradebook import read_records
from autograder.class_report import chance_of, failed_exercises, made_together, mistakes_in, unnamed_in
from autograder.class_results import lesson_results
from autograder.command import app
from autograder.grading import OURS
from autograder.problem import Problem
from autograder.report_command import make_report
from autograder.tests.recorded_class import RecordedClass, right, wrong

HOSTILE = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("example")'
DUE, NOW = datetime(2026, 3, 5, 10), datetime(2026, 3, 7, 11)
LEARNERS = [f"s{n:02}" for n in range(13)]
SECRET = "a word of one learner"


def answer(n):
    """What learner number n made of softmax and blend: five of thirteen fail in both in the same way."""
    if n < 5:
        return [wrong("softmax", 4.0, "wrong-axis"), wrong("blend", 2.0, "transposed", matches="This matches Wᵀ V.")]
    if n == 5:
        return [wrong("softmax", 4.0, "wrong-axis", "unstable", seen=HOSTILE), right("blend", 2.0)]
    if n == 6:
        stopped = f"your function stopped with `Secret: {SECRET}`"
        return [wrong("softmax", 4.0, seen=stopped), right("blend", 2.0)]
    if n == 7:
        not_started = Verdict("softmax", (Part("all of it", 4.0),), "not started", started=False)
        return [not_started, right("blend", 2.0)]
    return [right("softmax", 4.0), right("blend", 2.0)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = RecordedClass(tmp_path_factory.mktemp("classes") / "autumn")
    made.add_lesson("01_first", {"softmax": 4.0, "blend": 2.0}, DUE)
    made.add_lesson("02_second", {"attend": 3.0})
    for n, learner in enumerate(LEARNERS):
        when = datetime(2026, 3, 5, n)
        made.enroll(learner, first_name=f"Nora{n}", last_name=HOSTILE)
        made.record(learner, "01_first", answer(n), when=when, penalty=float(when > DUE))
    made.record("s00", "02_second", [("attend", 3.0)])
    made.enroll(FORMULA, first_name=FORMULA)
    made.record(FORMULA, "02_second", [wrong("attend", 3.0, seen=OURS)])
    return made


@pytest.fixture(scope="module")
def first(made):
    records = read_records(made.path)
    return lesson_results(made.path, records, records.lessons[0])


@pytest.fixture(scope="module")
def files(made):
    return [path.read_text(encoding="utf-8") for path in make_report(made.path, None, NOW)]


@pytest.fixture(scope="module")
def html(files):
    return files[0]


def rows(text):
    return list(csv.DictReader(text.splitlines()))


class Links(HTMLParser):
    """The ids, the links and the elements of a page."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.links, self.elements = [], [], set()
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[name] for name in ("href", "src", "xlink:href") if name in found]


def test_a_share_counts_points_and_parts(first):
    softmax, blend = first.exercises
    assert (softmax.passed, blend.passed) == (5, 8)
    assert softmax.share == pytest.approx(5 / 13)
    assert softmax.parts() == [("all of it", 4.0, 5, 13)]


def test_exercises_that_most_failed_stand_first(first, html):
    assert [exercise.name for _, exercise in failed_exercises([first])] == ["softmax"]
    assert html.index("Where the class fails") < html.index("5 of 13") < html.index("Mistakes made together")
    assert html.index("Mistakes made together") < html.index('id="lesson-01_first"')


def test_a_mistake_is_counted_with_the_message_that_most_saw(first):
    axis, unstable = mistakes_in(first, first.exercises[0])
    assert (axis.id, len(axis.learners), axis.of, axis.seen_by) == ("wrong-axis", 6, 13, 5)
    assert axis.message == answer(0)[0].message
    assert (unstable.id, len(unstable.learners)) == ("unstable", 1)


def test_a_mistake_that_is_told_with_another_has_words_of_its_own(made, first):
    two = "This matches two things at once: (1) one axis; (2) raw exp."
    path = made.path.with_name("two")
    shutil.copytree(made.path, path)
    copy = RecordedClass.__new__(RecordedClass)
    copy.path, copy.db_url = path, f"sqlite:///{path / 'gradebook.db'}"
    copy.record("s05", "01_first", [wrong("softmax", 4.0, "other", "unstable", matches=two), right("blend", 2.0)])
    records = read_records(path)
    results = lesson_results(path, records, records.lessons[0])
    labels = {mistake.id: mistake.label for mistake in mistakes_in(results, results.exercises[0])}
    assert labels == {"wrong-axis": "another axis", "other": "one axis", "unstable": "raw exp"}


def test_mistakes_of_the_same_learners_are_told_together(first):
    (pair,) = made_together([first])
    assert pair.ids == ("transposed", "wrong-axis")
    assert (pair.counts, len(pair.learners)) == ((5, 6), 5)
    assert pair.exercises == (("blend",), ("softmax",))


def test_the_chance_of_meeting_is_that_of_drawing_cards():
    assert chance_of(0, 3, 5, 11) == 1
    assert chance_of(2, 2, 2, 5) == pytest.approx(1 / 10)
    assert chance_of(1, 1, 3, 7) == pytest.approx(3 / 7)


def test_failures_without_a_name_are_counted_by_kind(first):
    kinds = {group.kind: len(group.learners) for group in unnamed_in(first.exercises[0])}
    assert kinds == {"not started": 1, "stopped with an error of their own": 1}


def test_the_page_names_nobody_and_quotes_nobody_alone(html):
    assert "Nora" not in html and SECRET not in html and "Secret" not in html
    assert not any(learner in html for learner in LEARNERS)


def test_a_line_of_one_learners_code_is_not_quoted(tmp_path):
    made = RecordedClass(tmp_path)
    made.add_lesson("01_first", {"softmax": 4.0})
    stopped = wrong("softmax", 4.0, "wrong-axis", seen=f"Your function stopped with `ValueError`, at `x  # {SECRET}`.")
    made.record("ada", "01_first", [stopped])
    records = read_records(tmp_path)
    results = lesson_results(tmp_path, records, records.lessons[0])
    (hidden,), (shown,) = (mistakes_in(results, results.exercises[0], names) for names in (False, True))
    assert hidden.message == f"{stopped.matches}\n{stopped.look_at}"
    assert shown.message == stopped.message
    made.record("bea", "01_first", [stopped])
    records = read_records(tmp_path)
    results = lesson_results(tmp_path, records, records.lessons[0])
    assert mistakes_in(results, results.exercises[0])[0].message == stopped.message


def test_with_names_the_page_is_another_file_and_says_who(made, html):
    page, *_ = make_report(made.path, "1", NOW, with_names=True)
    assert page.name == "01_first-with-names.html"
    named = page.read_text(encoding="utf-8")
    assert "Nora3" in named and SECRET in named and "s03" in named


def test_nothing_of_a_learners_is_live(made, html):
    named = make_report(made.path, None, NOW, with_names=True)[0].read_text(encoding="utf-8")
    for text in (html, named):
        assert "<script" not in text
        assert not Links(text).elements & {"script", "iframe", "object", "link", "img", "form"}
    assert "&lt;script&gt;" in named


def test_the_page_needs_no_network_and_its_links_lead_somewhere(made, html):
    page = Links(html)
    assert len(page.ids) == len(set(page.ids))
    assert not [link for link in page.links if re.match(r"\w+:|//", link)]
    for link in page.links:
        file, _, place = link.partition("#")
        there = Links((made.path / "report" / file).read_text(encoding="utf-8")) if file else page
        assert place in there.ids
    assert any(link.startswith("lessons/01_first.html#Exercise") for link in page.links)


def test_each_plot_is_told_in_words(html):
    assert html.count("<figure") == html.count('<figure role="img" aria-label="') == 3
    assert 'aria-label="Learners by points (out of 6): 0: 5, 2: 3, 5: 2, 6: 3."' in html
    assert re.search(r'aria-label="13 of 13 handed in from [^"]*; due [^"]*, 2 came later."', html)


def test_a_notebook_without_verdicts_counts_by_its_points_alone(made, html):
    records = read_records(made.path)
    second = lesson_results(made.path, records, records.lessons[1])
    assert second.without_verdicts == ("s00",)
    assert second.exercises[0].share == 0.5
    assert "1 of 2 notebooks hold no verdicts" in html
    assert "When work was handed in is not known" in html


def test_grading_that_failed_is_not_a_learners_mistake(made):
    records = read_records(made.path)
    (attend,) = lesson_results(made.path, records, records.lessons[1]).exercises
    assert [group.kind for group in unnamed_in(attend)] == ["grading itself failed"]


def test_no_name_leads_out_of_the_graded_notebooks(tmp_path):
    made = RecordedClass(tmp_path)
    made.add_lesson("01_first", {"softmax": 4.0})
    made.record("../outside", "01_first", [wrong("softmax", 4.0, "wrong-axis")])
    assert (tmp_path / "outside").is_dir()
    records = read_records(tmp_path)
    assert lesson_results(tmp_path, records, records.lessons[0]).without_verdicts == ("../outside",)


def test_the_csv_has_a_row_for_each_learner_and_exercise(files):
    results = rows(files[1])
    assert len(results) == 2 * 13 + 2
    assert results[0] == {
        "student": "s00",
        "lesson": "01_first",
        "exercise": "softmax",
        "points": "0",
        "max_points": "4",
        "passed": "no",
        "misconceptions": "wrong-axis",
        "otherwise": "",
    }
    mistakes = {(row["exercise"], row["misconception"]): row["learners"] for row in rows(files[2])}
    assert mistakes[("softmax", "wrong-axis")] == "6"


def test_no_cell_of_the_csv_is_a_formula(files):
    cells = [cell for text in files[1:] for row in csv.reader(text.splitlines()) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t")]


@pytest.mark.parametrize(
    ("asked", "told"),
    [("3", "There is no lesson"), ("third", "Nobody has a grade in 03_third yet")],
)
def test_a_lesson_that_is_not_there_or_not_graded_is_told(tmp_path, asked, told):
    made = RecordedClass(tmp_path)
    made.add_lesson("01_first", {"softmax": 4.0})
    made.record("ada", "01_first", [right("softmax", 4.0)])
    if asked == "third":
        made.add_lesson("03_third", {"blend": 2.0})
    with pytest.raises(Problem, match=told):
        make_report(tmp_path, asked, NOW)


def test_a_class_without_grades_is_told_in_a_sentence(tmp_path):
    RecordedClass(tmp_path)
    for grades in ("has no gradebook yet", "Nobody has a grade"):
        result = CliRunner().invoke(app, ["report", str(tmp_path)])
        assert (result.exit_code, result.output.count("\n")) == (2, 1)
        assert grades in result.output
        if grades == "has no gradebook yet":
            assert not (tmp_path / "gradebook.db").exists()
            RecordedClass(tmp_path).add_lesson("01_first", {"softmax": 4.0})


def test_a_class_of_one_is_a_class(tmp_path):
    made = RecordedClass(tmp_path)
    made.add_lesson("01_first", {"softmax": 4.0})
    made.record("ada", "01_first", [wrong("softmax", 4.0, "wrong-axis")], when=DUE)
    printed = CliRunner().invoke(app, ["report", str(tmp_path), "1"]).output
    assert str(tmp_path / "report" / "01_first.html") in printed.splitlines()
