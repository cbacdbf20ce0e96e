"""Which cells of a lesson grading runs: what a learner wrote, and what it needs."""

import pytest

from autograder.build import all_exercises, read_lessons
from autograder.demo import reference_answers
from autograder.graft import GraftedCell
from autograder.lesson import PROJECT
from autograder.nbgrader_marks import grade_id_of, is_solution
from autograder.needed_cells import needed_cells
from autograder.notebooks import source_notebook


def run(*sources):
    """The places of the cells that run; a source that begins with # own is the learner's."""
    cells = [GraftedCell(str(i), source, None, source.startswith("# own")) for i, source in enumerate(sources)]
    return sorted(map(int, needed_cells(cells)))


def test_what_a_learner_wrote_runs_with_what_it_reads_and_nothing_else():
    assert run("import numpy as np", "x = np.ones(2)", "plot(x)", "# own\ny = x + 1", "print(y)") == [0, 1, 3]


def test_what_a_function_reads_is_needed_as_it_is_at_the_end():
    own = "# own\ndef f():\n    return g(scale)"
    assert run("scale = 1", own, "scale = 2", "def g(x): return other(x)", "from m import other", "plot()") == [
        *(0, 1, 2, 3, 4),
    ]


def test_a_name_inside_a_function_is_not_the_one_outside():
    assert run("x = slow()", "# own\ndef f(x):\n    rows = [x for y in x]\n    return rows", "rows = x") == [1]


def test_the_last_who_bound_a_name_and_whoever_changed_it_since():
    assert run("a = []", "a = [1]", "a.append(2)", "a[0] = 5", "b = a[0]", "# own\nprint(a)") == [1, 2, 3, 5]


def test_a_module_is_not_changed_by_calling_its_functions():
    assert run("import numpy as np", "np.save('x', 1)", "# own\nnp.ones(2)") == [0, 2]


@pytest.mark.parametrize(
    "own",
    [
        "# own\nglobals()['x']",
        "# own\n%run other",
        "# own\nimport sys\nsys.modules['__main__'].x",
        "# own\neval('x')",
        "# own\nfrom somewhere import *",
        "# own\ndef f():\n    return get_ipython().user_ns",
        "# own\nprint(Out[3])",
        "# own\nx = (",
    ],
)
def test_code_that_looks_up_names_gets_every_cell(own):
    assert run("x = 1", "y = 2", own, "z = 3") == [0, 1, 2, 3]


def test_a_cell_of_the_lesson_that_is_no_plain_python_runs():
    assert run("%matplotlib inline", "x = 1", "# own\nprint(1)") == [0, 2]


def test_a_class_and_a_decorator_need_what_they_read():
    assert run("import torch", "def traced(f): return f", "# own\n@traced\nclass A(torch.nn.Module): pass", "A()") == [
        *(0, 1, 2),
    ]


def test_what_a_cell_of_the_lesson_reads_at_once_is_needed_as_it_was_then():
    own = "# own\ndef f():\n    return torch"
    assert run("import torch\nx = torch.ones(2)\nprint(x)", own, "x = train()", "x.sort()") == [0, 1]


def test_a_word_behind_a_dot_is_no_name_of_the_lesson():
    assert run("steps = train()", "# own\ndef f(x):\n    return x.steps") == [1]


@pytest.mark.parametrize("lesson", read_lessons(PROJECT, all_exercises()), ids=lambda lesson: lesson.stem)
def test_right_answers_need_little_of_a_lesson(lesson):
    answers = reference_answers(lesson, PROJECT)
    made = source_notebook(lesson, all_exercises(), PROJECT)
    cells = [cell for cell in made.cells if cell.cell_type == "code"]
    names = [grade_id_of(cell.metadata) if is_solution(cell.metadata) else None for cell in cells]
    graft = [
        GraftedCell(cell.id, answers.get(name, cell.source), name, bool(name))
        for cell, name in zip(cells, names, strict=True)
    ]
    assert len(needed_cells(graft)) <= len(cells) / 5 + 2
