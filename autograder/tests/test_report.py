"""A grade cell's output: one plain number that nbgrader reads, and a report in which nothing of a learner's is live."""

import nbformat
import pytest
from attention_lab.verdict import Part, Verdict
from nbgrader.utils import determine_grade

from autograder import nbgrader_plugin
from autograder.report import note_cell, report_output

HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(1)> `</code>` $\\href{javascript:alert(1)}{x}$"


def verdict(*earned, seen="Rows sum to 1."):
    parts = tuple(Part(f"part {n}", 1.5, ok) for n, ok in enumerate(earned))
    return Verdict("softmax", parts, seen)


def read_by_nbgrader(output, points):
    """What nbgrader itself makes of a grade cell with this output."""
    cell = nbformat.v4.new_code_cell("check(softmax)", outputs=[output])
    cell.metadata["nbgrader"] = nbgrader_plugin.grade_cell("check-softmax", points)
    return determine_grade(cell)[0]


@pytest.mark.parametrize("earned", [(), (False, False), (True, False), (True, True)])
def test_nbgrader_reads_the_points_of_the_verdict(earned):
    judged = verdict(*earned)
    assert read_by_nbgrader(report_output(judged, judged.max_points, (), False), judged.max_points) == judged.points


def test_a_cell_that_was_weighed_anew_gets_its_share():
    assert read_by_nbgrader(report_output(verdict(True, False), 10.0, (), False), 10.0) == 5.0
    assert read_by_nbgrader(report_output(verdict(True, True), 0.1, (), False), 0.1) == 0.1
    assert read_by_nbgrader(report_output(verdict(True, True), 0.0, (), False), 0.0) == 0.0


def test_a_cell_that_no_exercise_of_ours_belongs_to_gets_nothing_and_says_so():
    output = report_output(None, 4.0, (), False)
    assert read_by_nbgrader(output, 4.0) == 0.0
    assert "by hand" in output.data["text/html"]


def test_nothing_of_a_learners_is_live():
    for text in (
        report_output(verdict(False, seen=HOSTILE), 1.5, [HOSTILE], False).data["text/html"],
        note_cell([HOSTILE], False).source,
    ):
        assert "<script" not in text and "<img" not in text
        assert "mathjax_ignore" in text.partition(">")[0]


def test_a_grade_without_a_jail_says_it():
    assert "without a jail" in report_output(verdict(True), 1.5, (), True).data["text/html"]
    assert "without a jail" in note_cell((), True).source
    assert "without a jail" not in report_output(verdict(True), 1.5, ("A remark.",), False).data["text/html"]
