"""Verdicts are kept in a graded notebook: written by grading alone, and read back as they were."""

import json
from copy import deepcopy

import nbformat
import pytest
from attention_lab.verdict import Part, Verdict

from autograder import notebooks
from autograder.grading import nothing_to_judge
from autograder.graft import graft
from autograder.kept_verdicts import as_plain, kept_in
from autograder.lesson import PROJECT

PARTS = (Part("rows", 1.0, True), Part("axes", 1.5))
VERDICT = Verdict(
    "softmax", PARTS, "Columns sum to 1.", "This matches another axis.", "Which?", ("softmax-wrong-axis",)
)


def written(path, metadata):
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(metadata=metadata)))
    return path


def test_a_verdict_comes_back_as_it_was(tmp_path):
    about = {"verdicts": as_plain([VERDICT]), "remarks": ["A cell was missing."]}
    assert kept_in(written(tmp_path / "graded.ipynb", {"attention_lab": about})) == (
        {"softmax": VERDICT},
        ("A cell was missing.",),
    )
    assert json.loads(json.dumps(about["verdicts"])) == about["verdicts"]


@pytest.mark.parametrize(
    "metadata",
    [{}, {"attention_lab": 7}, {"attention_lab": {"verdicts": [{"exercise": "softmax"}], "remarks": []}}],
)
def test_a_notebook_without_verdicts_gives_none(tmp_path, metadata):
    assert kept_in(written(tmp_path / "graded.ipynb", metadata)) == ({}, ())
    assert kept_in(tmp_path / "missing.ipynb") == ({}, ())


def test_grading_keeps_its_own_verdicts_and_none_that_were_handed_in(small_lesson, exercises, sheet_of):
    pristine = notebooks.learner_notebook(small_lesson, exercises, PROJECT)
    handed_in = deepcopy(pristine)
    forged = Verdict("softmax", (Part("rows", 99.0, True),), "Bravo.")
    handed_in.metadata["attention_lab"] = {"verdicts": as_plain([forged]), "remarks": []}
    assert "attention_lab" not in graft(nbformat.writes(handed_in).encode(), pristine).notebook.metadata
    sheets = {name: sheet_of(name) for name in ("softmax", "blend")}
    graded = nothing_to_judge(pristine, sheets, "There is no notebook.")
    assert graded.notebook.metadata["attention_lab"]["verdicts"] == as_plain(graded.verdicts.values())
    assert [plain["exercise"] for plain in as_plain(graded.verdicts.values())] == ["softmax", "blend"]
