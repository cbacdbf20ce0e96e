"""In IPython a cell that needs an unwritten function waits with a note, and runs once the function is written."""

import pytest
from attention_lab.waiting import Note, Waiting
from IPython.core.interactiveshell import InteractiveShell

STUB = "def softmax(scores, axis=-1):\n    raise NotImplementedError"
WRITTEN = "import numpy as np\ndef softmax(scores, axis=-1):\n    return np.exp(scores) / np.exp(scores).sum(axis=axis)"


@pytest.fixture
def run():
    """Runs a cell and gives its result; fails where the cell raised."""
    shell = InteractiveShell()
    shell.ast_transformers.append(Waiting(shell.user_ns))
    shell.history_manager.enabled = False

    def run_cell(source):
        result = shell.run_cell(source, store_history=False)
        result.raise_error()
        return result.result

    run_cell.names = shell.user_ns
    return run_cell


def waits_for(result, *names):
    listed = " and ".join(f"`{name}`" for name in names)
    return isinstance(result, Note) and result.text.startswith(f"This cell waits for {listed}.")


def test_a_cell_that_calls_a_stub_waits_and_later_runs(run):
    run(STUB)
    assert waits_for(run("softmax([1.0, 1.0])"), "softmax")
    run(WRITTEN)
    assert run("softmax([1.0, 1.0]).tolist()") == [0.5, 0.5]


def test_a_cell_that_needs_what_a_waiting_cell_would_have_made_waits_too(run):
    run(STUB)
    assert waits_for(run("weights = softmax([1.0, 1.0])\nlargest = max(weights)"), "softmax")
    assert waits_for(run("print(largest)"), "softmax")
    assert run("1 + 1") == 2
    run(WRITTEN)
    run("weights = softmax([1.0, 1.0])\nlargest = max(weights)")
    assert run("float(largest)") == 0.5


def test_once_the_function_is_written_a_cell_says_what_to_run_first(run):
    run(STUB)
    run("weights = softmax([1.0, 1.0])")
    run(WRITTEN)
    note = run("print(weights)")
    assert note.text == "This cell needs `weights`, from a cell above that was waiting. Run that one first."
    run("weights = softmax([1.0, 1.0])")
    assert run("weights.tolist()") == [0.5, 0.5]


def test_a_stub_behind_another_function_is_found(run):
    run(STUB)
    run("def attend(scores):\n    return softmax(scores)")
    assert waits_for(run("attend([0.0])"), "softmax")


def test_a_class_waits_until_every_method_of_it_is_written(run):
    head, written, stub = (
        "class Layer:\n    def __init__(self):",
        " self.size = 3\n",
        "\n        raise NotImplementedError()\n",
    )
    forward = "    def forward(self):"
    use = "size = Layer().forward()"
    run("def made():\n    return Layer()")
    for start, rest in ((stub, stub), (written, stub)):
        run(head + start + forward + rest)
        assert waits_for(run(use), "Layer")
        assert waits_for(run("layer = made()"), "Layer")
    run(head + written + forward + " return self.size\n")
    assert run("made().forward()") == 3


def test_two_stubs_are_both_named(run):
    run(STUB)
    run("def blend(weights, values):\n    raise NotImplementedError")
    assert waits_for(run("blend(softmax([0.0]), 1)"), "blend", "softmax")


def test_a_name_made_anew_in_the_same_cell_does_not_wait(run):
    run(STUB)
    run("weights = softmax([0.0])")
    assert run("weights = [1.0]\nsum(weights)") == 1.0
    assert run("weights") == [1.0]


def test_check_may_be_given_a_stub(run):
    run(STUB)
    run.names["check"] = lambda function: "checked"
    assert run("check(softmax)") == "checked"


def test_defining_the_next_function_does_not_wait(run):
    run(STUB)
    assert run("def attend(scores):\n    return softmax(scores)") is None
    assert run("later = lambda scores: softmax(scores)") is None
    assert "attend" in run.names and "later" in run.names


def test_a_comprehension_over_a_stub_waits(run):
    run(STUB)
    assert waits_for(run("[softmax(row) for row in [[0.0], [1.0]]]"), "softmax")


def test_a_function_that_raises_otherwise_does_not_wait(run):
    run("def softmax(scores):\n    raise ValueError('not yet')")
    with pytest.raises(ValueError, match="not yet"):
        run("softmax([0.0])")


def test_a_note_is_escaped_and_read_aloud():
    note = Note(["<b>"], [])
    assert "<b>" not in note._repr_html_() and 'role="note"' in note._repr_html_()
    assert repr(Note(["softmax"], [])) == "… This cell waits for `softmax`. Write it above and run this cell again."


def test_importing_the_lessons_package_in_ipython_watches_the_cells(run, monkeypatch):
    from attention_lab import waiting

    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    waiting.install()
    waiting.install()
    assert [type(transformer) for transformer in shell.ast_transformers].count(Waiting) == 1


def test_a_cell_waits_for_what_the_functions_defined_in_it_call(run):
    run(STUB)
    assert waits_for(run("def attempt(rows):\n    return [softmax(row) for row in rows]\nattempt([[1.0]])"), "softmax")
    run("def attempt(rows):\n    return [[softmax(row) for row in part] for part in rows]")
    assert waits_for(run("attempt([[[1.0]]])"), "softmax")
