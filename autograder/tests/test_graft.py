"""Whatever is submitted, what is graded is the pristine notebook with the learner's code in it."""

import json
import random
from copy import deepcopy

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from autograder.graft import Graft, graft
from autograder.graft_remarks import REORDERED, WRONG_FILE
from autograder.lesson import PROJECT
from autograder.nbgrader_marks import grade_id_of, is_read_only, is_solution, marks
from autograder.submitted_cells import MOST_BYTES, MOST_CELLS, MOST_SOURCE

ANSWER = "def softmax(scores, axis=-1):\n    return 41"
OTHER = "def softmax(scores, axis=-1):\n    return 43"
FUZZES = 300


@pytest.fixture(scope="module")
def pristine() -> NotebookNode:
    return nbformat.read(PROJECT / "lessons" / "01_intuition.ipynb", 4)


@pytest.fixture
def theirs(pristine) -> dict:
    """A submission as JSON, in which every exercise has an answer."""
    notebook = json.loads(nbformat.writes(pristine))
    for cell in notebook["cells"]:
        if is_solution(cell["metadata"]):
            cell["source"] = f"def {grade_id_of(cell['metadata'])}(*arguments):\n    return 41"
    return notebook


def code(source, **metadata) -> dict:
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": [], "execution_count": None}


def grafted(theirs, pristine) -> Graft:
    """The graft, of which everything holds that must hold for any submission."""
    raw = theirs if isinstance(theirs, bytes) else json.dumps(theirs).encode()
    before = deepcopy(pristine)
    graft_ = graft(raw, pristine)
    assert pristine == before
    must_be_sound(graft_, pristine)
    return graft_


def must_be_sound(graft_, pristine):
    nbformat.validate(graft_.notebook)
    nbformat.writes(graft_.notebook).encode()  # can be saved
    assert (graft_.notebook.nbformat, graft_.notebook.nbformat_minor) == (4, 5)
    assert graft_.notebook.metadata == pristine.metadata
    ids = [cell.id for cell in graft_.notebook.cells]
    assert len(set(ids)) == len(ids)
    original = {cell.id: cell for cell in pristine.cells}
    kept = [cell for cell in graft_.notebook.cells if cell.id in original]
    assert [cell.id for cell in kept] == list(original)
    for cell in kept:
        assert (cell.metadata, cell.cell_type) == (original[cell.id].metadata, original[cell.id].cell_type)
        if cell.cell_type != "code" or is_read_only(cell.metadata):
            assert cell.source == original[cell.id].source
    added = [cell for cell in graft_.notebook.cells if cell.id not in original]
    assert all(cell.metadata == {} and not cell.get("attachments") for cell in added)
    runs = [cell for cell in graft_.notebook.cells if cell.cell_type == "code"]
    assert [(cell.id, cell.source) for cell in runs] == [(cell.id, cell.source) for cell in graft_.cells]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in runs)
    for cell in graft_.cells:
        known = original.get(cell.id)
        assert cell.own == (known is None or known.source != cell.source)
        assert cell.grade_id == (grade_id_of(known.metadata) if known else None)
    for remark in graft_.remarks:
        assert remark.endswith((".", "?")) and "/" not in remark and "Error" not in remark, remark


def position(theirs, grade_id) -> int:
    return next(i for i, cell in enumerate(theirs["cells"]) if grade_id_of(cell["metadata"]) == grade_id)


def source_of(graft_, grade_id) -> str:
    return next(cell.source for cell in graft_.cells if cell.grade_id == grade_id)


def order(graft_) -> list[str]:
    return [cell.source for cell in graft_.cells]


def test_an_honest_submission_is_taken_as_it_is(theirs, pristine):
    graft_ = grafted(theirs, pristine)
    assert graft_.remarks == ()
    assert [cell.grade_id for cell in graft_.cells if cell.own] == [
        grade_id_of(cell.metadata) for cell in pristine.cells if is_solution(cell.metadata)
    ]


def test_a_notebook_that_was_not_touched_needs_no_remark(pristine):
    graft_ = grafted(nbformat.writes(pristine).encode(), pristine)
    assert graft_.remarks == () and not any(cell.own for cell in graft_.cells)


def test_a_guess_in_a_cell_of_the_lesson_is_kept(theirs, pristine):
    place = next(i for i, cell in enumerate(theirs["cells"]) if "guess_share = predict(" in "".join(cell["source"]))
    theirs["cells"][place]["source"] = "guess_share = 7"
    cell = next(cell for cell in grafted(theirs, pristine).cells if cell.source == "guess_share = 7")
    assert cell.own and cell.id == pristine.cells[place].id


def test_outputs_of_what_was_handed_out_are_not_taken_for_a_learners(theirs, pristine):
    ran_once = deepcopy(pristine)
    for cell in ran_once.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="4.0")]
            cell.execution_count = 7
    grafted(theirs, ran_once)


def test_a_learners_cell_stays_behind_the_cell_that_it_follows(theirs, pristine):
    place = position(theirs, "softmax")
    theirs["cells"].insert(place, code("helper = 2"))
    theirs["cells"].insert(0, code("first = 1"))
    theirs["cells"].append(code("last = 3"))
    ran = order(grafted(theirs, pristine))
    assert (ran[0], ran[-1]) == ("first = 1", "last = 3")
    assert ran[ran.index("helper = 2") + 1].startswith("def softmax")


def test_added_cells_have_the_same_ids_every_time_and_none_of_theirs(theirs, pristine):
    for _ in range(3):
        theirs["cells"].append(code("same = 1") | {"id": "chosen"})
    ids = [cell.id for cell in grafted(theirs, pristine).cells]
    assert ids == [cell.id for cell in grafted(theirs, pristine).cells] and "chosen" not in ids


def test_a_learners_text_is_shown_as_plain_text(theirs, pristine):
    note = "# <script>alert(1)</script>\n\n[x](javascript:alert(1)) $\\href{javascript:alert(1)}{y}$ ✓"
    theirs["cells"].append({"cell_type": "markdown", "source": note, "metadata": {}, "attachments": {"a.png": {}}})
    shown = grafted(theirs, pristine).notebook.cells[-1]
    assert shown.cell_type == "markdown" and "\n" not in shown.source
    inside = shown.source.removeprefix('<pre style="white-space:pre-wrap">').removesuffix("</pre>")
    assert not set("<>[]()$\\") & set(inside) and "✓" not in inside and "alert" in inside


def test_a_read_only_cell_cannot_be_changed(theirs, pristine):
    theirs["cells"][position(theirs, "check-softmax")]["source"] = "4.0"
    graft_ = grafted(theirs, pristine)
    assert source_of(graft_, "check-softmax") == "check(softmax)" and "4.0" not in order(graft_)
    assert graft_.remarks == ("Read-only, but changed, so the original was used: `check(softmax)`.",)


@pytest.mark.parametrize("grade_id", ["check-softmax", "check-blend"])
def test_a_deleted_grade_cell_is_put_back(grade_id, theirs, pristine):
    del theirs["cells"][position(theirs, grade_id)]
    graft_ = grafted(theirs, pristine)
    assert source_of(graft_, grade_id).startswith("check(")
    assert graft_.remarks == (f"Missing, and put back: `{source_of(graft_, grade_id)}`.",)


def test_a_deleted_solution_cell_is_put_back_as_it_was_handed_out(theirs, pristine):
    del theirs["cells"][position(theirs, "softmax")]
    graft_ = grafted(theirs, pristine)
    assert "YOUR CODE HERE" in source_of(graft_, "softmax")
    assert graft_.remarks == ("The cell of `softmax` is missing: copy it from a fresh notebook of the lesson.",)


def test_no_stub_takes_the_place_of_what_stands_in_another_cell(theirs, pristine):
    place = position(theirs, "softmax")
    theirs["cells"][place] = code(ANSWER)
    ran = order(grafted(theirs, pristine))
    definitions = [source for source in ran if source.startswith("def softmax")]
    assert len(definitions) == 2 and definitions[1] == ANSWER


def test_the_copy_that_was_worked_on_counts_and_the_stub_does_not(theirs, pristine):
    place = position(theirs, "softmax")
    stub = dict(theirs["cells"][place], source=pristine.cells[place].source)
    theirs["cells"].insert(place, stub)
    theirs["cells"].insert(place + 3, stub)
    ran = order(grafted(theirs, pristine))
    assert [source for source in ran if source.startswith("def softmax")] == [
        "".join(theirs["cells"][place + 1]["source"])
    ]


def test_two_different_copies_both_run_in_their_order(theirs, pristine):
    place = position(theirs, "softmax")
    theirs["cells"][place]["source"] = ANSWER
    theirs["cells"].insert(place + 2, dict(theirs["cells"][place], source=OTHER))
    graft_ = grafted(theirs, pristine)
    assert source_of(graft_, "softmax") == ANSWER
    assert order(graft_).index(OTHER) > order(graft_).index("check(softmax)")
    assert graft_.remarks == ("There are 2 cells of `softmax`. They were run in their order, and the last one counts.",)


def test_a_duplicated_grade_cell_changes_nothing(theirs, pristine):
    place = position(theirs, "check-softmax")
    theirs["cells"].insert(place, dict(theirs["cells"][place]))
    theirs["cells"].insert(place, dict(theirs["cells"][place], source="4.0"))
    theirs["cells"].insert(place, dict(theirs["cells"][place], source="3.0"))
    ran = order(grafted(theirs, pristine))
    assert ran.count("check(softmax)") == 1 and not {"3.0", "4.0"} & set(ran)


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_a_solution_that_is_no_code_cell_any_more_is_told(kind, theirs, pristine):
    theirs["cells"][position(theirs, "softmax")]["cell_type"] = kind
    graft_ = grafted(theirs, pristine)
    assert "YOUR CODE HERE" in source_of(graft_, "softmax")
    assert graft_.remarks == ("The cell of `softmax` is no longer a code cell, so there was nothing to run.",)
    assert len(graft_.notebook.cells) == len(pristine.cells)


def test_cells_in_another_order_are_run_in_the_order_of_the_lesson(theirs, pristine):
    expected = order(grafted(theirs, pristine))
    theirs["cells"].reverse()
    graft_ = grafted(theirs, pristine)
    assert (order(graft_), graft_.remarks) == (expected, (REORDERED,))


def test_points_tags_ids_kernel_and_outputs_of_theirs_do_not_count(theirs, pristine):
    for cell in theirs["cells"]:
        cell["metadata"]["tags"] = ["skip-execution"]
        cell["metadata"].get("nbgrader", {}).update(points=1e9, locked=False, grade=False, solution=True)
        cell["id"] = "<b>"
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "1e9"}}]
    theirs["metadata"] = {"kernelspec": {"name": "evil", "display_name": "evil"}, "widgets": "<script>"}
    graft_ = grafted(theirs, pristine)
    assert source_of(graft_, "softmax").endswith("return 41")
    assert [marks(cell.metadata) for cell in graft_.notebook.cells] == [marks(cell.metadata) for cell in pristine.cells]


def test_a_notebook_without_ids_and_metadata_still_finds_its_place(pristine):
    cells = [{"cell_type": cell.cell_type, "source": cell.source} for cell in pristine.cells]
    graft_ = grafted({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}, pristine)
    assert graft_.remarks == () and [cell.source for cell in graft_.notebook.cells] == [
        cell.source for cell in pristine.cells
    ]


def test_a_notebook_of_another_lesson_is_asked_about(pristine):
    other = nbformat.read(PROJECT / "lessons" / "02_queries_keys_values.ipynb", 4)
    assert grafted(nbformat.writes(other).encode(), pristine).remarks == (WRONG_FILE,)


def broken(**changes) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [code("a = 1")]} | changes).encode()


UNREADABLE = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\t", "is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", "is empty"),
    "not JSON": (b"{'cells': []}", "JSON is broken"),
    "half of it": (broken()[:-9], "JSON is broken"),
    "deep": (b"[" * 3_000_000, "JSON is broken"),
    "deep and balanced": (b'{"cells":' * 200_000 + b"1" + b"}" * 200_000, "JSON is broken"),
    "a number of many digits": (b'{"nbformat": ' + b"9" * 100_000 + b"}", "JSON is broken"),
    "not UTF-8": (broken().replace(b"a = 1", b"a = '\xff'"), "UTF-8"),
    "UTF-16": (broken().decode().encode("utf-16"), "UTF-8"),
    "NUL bytes": (b"\0" * 99, "JSON is broken"),
    "enormous": (b" " * (MOST_BYTES + 1), "larger than 20 MB"),
    "a list": (b"[]", "not a notebook"),
    "a number": (b"4", "not a notebook"),
    "NaN": (b"NaN", "not a notebook"),
    "format 3": (broken(nbformat=3, worksheets=[]), "format 4"),
    "format 5": (broken(nbformat=5), "format 4"),
    "format true": (broken(nbformat=True), "format 4"),
    "format of a text": (broken(nbformat="4"), "format 4"),
    "no format": (b'{"cells": []}', "format 4"),
    "no cells": (broken(cells=[]), "has no cells"),
    "cells missing": (b'{"nbformat": 4}', "has no cells"),
    "cells not a list": (broken(cells={"0": code("a = 1")}), "has no cells"),
    "too many cells": (broken(cells=[code("a = 1")] * (MOST_CELLS + 1)), "more than 1,000 cells"),
    "too much code": (broken(cells=[code("#" * MOST_SOURCE)] * 11), "300,000 characters"),
}


@pytest.mark.parametrize("raw, says", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_notebook_leaves_the_pristine_one_and_says_why(raw, says, pristine):
    graft_ = grafted(raw, pristine)
    assert len(graft_.remarks) == 1 and says in graft_.remarks[0]
    assert graft_.remarks[0].endswith("Nothing of it could be judged.")
    assert [cell.source for cell in graft_.notebook.cells] == [cell.source for cell in pristine.cells]


NO_CELLS = {
    "null": None,
    "a text": "print(1)",
    "a list": [],
    "without a kind": {"source": "print(1)", "metadata": {}},
    "of another kind": {"cell_type": "heading", "source": "x", "metadata": {}},
    "a kind that is a list": {"cell_type": ["code"], "source": "x", "metadata": {}},
    "without a source": {"cell_type": "code", "metadata": {}},
    "with a number as source": {"cell_type": "code", "source": 7, "metadata": {}},
    "with numbers as lines": {"cell_type": "code", "source": ["a", 7], "metadata": {}},
    "with a dict as source": {"cell_type": "code", "source": {"a": 1}, "metadata": {}},
    "too long": code("#" * (MOST_SOURCE + 1)),
}


@pytest.mark.parametrize("cell", NO_CELLS.values(), ids=NO_CELLS)
def test_what_is_no_cell_is_left_out_and_the_rest_counts(cell, theirs, pristine):
    expected = order(grafted(theirs, pristine))
    theirs["cells"].insert(3, cell)
    graft_ = grafted(theirs, pristine)
    assert order(graft_) == expected
    assert len(graft_.remarks) == 1 and graft_.remarks[0].startswith("One cell was left out")


ODD_METADATA = [None, [], "text", 7, {"nbgrader": []}, {"nbgrader": {"grade_id": ["softmax"]}}, {"tags": 7}]
ODD_METADATA += [{"nbgrader": {"grade_id": {}}}, {"nbgrader": {"grade_id": None}}, {"nbgrader": {"grade_id": "\ud800"}}]


@pytest.mark.parametrize("metadata", ODD_METADATA, ids=repr)
@pytest.mark.parametrize("id_", [None, [], {}, 7, "", "../x", "<script>"], ids=repr)
def test_names_that_are_none_are_ignored(metadata, id_, theirs, pristine):
    theirs["cells"].append(code("odd = 1") | {"metadata": metadata, "id": id_})
    graft_ = grafted(theirs, pristine)
    assert graft_.cells[-1].source == "odd = 1" and graft_.remarks == ()


def test_literals_beyond_json_and_halves_of_characters_do_no_harm(theirs, pristine):
    theirs["cells"].append(code("half = '\ud800', '\0'"))
    theirs["metadata"] = {"x": float("nan"), "y": float("inf")}
    assert grafted(theirs, pristine).cells[-1].source.startswith("half = '\N{REPLACEMENT CHARACTER}")


def test_a_byte_order_mark_does_no_harm(theirs, pristine):
    expected = order(grafted(theirs, pristine))
    assert order(grafted(b"\xef\xbb\xbf" + json.dumps(theirs).encode(), pristine)) == expected


def test_random_damage_never_gets_through(theirs, pristine):
    rng = random.Random(61)
    untouched = json.dumps(theirs)
    remarks = set()
    for _ in range(FUZZES):
        damaged = json.loads(untouched)
        for _ in range(rng.randint(1, 30)):
            _damage(damaged, rng)
        raw = json.dumps(damaged).encode()
        if rng.random() < 0.2:
            raw = _torn(raw, rng)
        remarks.update(grafted(raw, pristine).remarks)
    assert len(remarks) > 20  # the damage is not always of the same kind


ODD_VALUES = [
    None,
    True,
    -1,
    1e308,
    "",
    "code",
    "markdown",
    "raw",
    "softmax",
    "check-softmax",
    [],
    {},
    ["x"],
    {"a": []},
]


def _damage(notebook, rng):
    """Exchanges, deletes, copies or moves something at a random place."""
    place, parents = notebook, []
    while isinstance(place, dict | list) and place and (not parents or rng.random() < 0.8):
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
        if not parents:
            key = rng.choice(["cells"] * 12 + list(place)) if "cells" in place else key
        parents.append((place, key))
        place = place[key] if isinstance(place, list) or key in place else None
    if not parents:
        return
    parent, key = parents[-1]
    action = rng.choice(["exchange", "delete", "copy", "move"])
    if action == "exchange":
        parent[key] = deepcopy(rng.choice(ODD_VALUES))
    elif action == "delete" and len(parents) > 1:
        del parent[key]
    elif isinstance(parent, list) and parent:
        other = rng.randrange(len(parent))
        if action == "copy":
            parent.insert(other, deepcopy(parent[key]))
        else:
            parent[key], parent[other] = parent[other], parent[key]


def _torn(raw, rng):
    data = bytearray(raw)
    for _ in range(rng.randint(1, 5)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.choice([len(data), rng.randrange(len(data))])])
