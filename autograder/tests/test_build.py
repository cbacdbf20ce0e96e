"""The build: what learners open is what the sources say, to the byte, and holds no answer."""

import ast
import io
from types import SimpleNamespace

import nbformat
import pytest
from rich.console import Console

from autograder import build, notebooks
from autograder.lesson import EXERCISE, GIVEN, PROJECT, read_lesson
from autograder.problem import Problem
from autograder.unfold import definition

SILENT = Console(file=io.StringIO())
TOY = {"double": SimpleNamespace(id="double", lesson="01_toy", points=2.0)}
TOY_SOLUTION = '''\
def double(x):
    """2x."""
    return x + x
'''
TOY_LESSON = """\
# A toy

```{code-cell} python3
:tags: [hide-input]
check = lambda function: float(function(1))
```
```{code-cell} python3
:tags: [exercise]
from solutions.toy import double
```
```{code-cell} python3
check(double)
```
```{code-cell} python3
double(3)
```
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A project of one lesson with one exercise, and no sheets."""
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "toy.py").write_text(TOY_SOLUTION)
    (tmp_path / "lessons" / "source").mkdir(parents=True)
    (tmp_path / "lessons" / "source" / "01_toy.md").write_text(TOY_LESSON)
    monkeypatch.setattr(build, "all_exercises", lambda: TOY)
    monkeypatch.setattr(build, "stale_sheets", lambda root, exercises: iter(()))
    return tmp_path


def toy_lesson(toy, source=TOY_LESSON):
    (toy / "lessons" / "source" / "01_toy.md").write_text(source)
    return read_lesson(toy / "lessons" / "source" / "01_toy.md")


def learners(lesson):
    """The committed notebook that learners open."""
    return nbformat.read(PROJECT / "lessons" / f"{lesson.stem}.ipynb", as_version=4)


def test_a_rebuild_changes_no_byte():
    assert build.check_is_current(PROJECT) == []


def test_every_exercise_of_a_lesson_that_is_written_is_in_its_notebook(lessons, exercises):
    written = {lesson.stem for lesson in lessons}
    there = [name for name, exercise in exercises.items() if exercise.lesson in written]
    assert [name for lesson in lessons for name in lesson.exercises] == there


def test_generate_assignment_gives_the_committed_notebook_cell_for_cell(lessons, classroom):
    for lesson in lessons:
        released = nbformat.read(classroom.path / "release" / lesson.stem / f"{lesson.stem}.ipynb", as_version=4)
        committed = learners(lesson)
        for cell, expected in zip(released.cells, committed.cells, strict=True):
            assert cell == expected
        assert released.metadata == committed.metadata


def test_no_line_of_an_answer_is_in_a_learners_notebook(lessons):
    answers = {line.strip() for lesson in lessons for cell in lesson.cells if cell.kind == EXERCISE
               for line in definition(PROJECT, cell.module, cell.names[0]).answers}  # fmt: skip
    answers = {line for line in answers if len(line) > 12}
    assert answers
    for lesson in lessons:
        for cell, made in zip(lesson.cells, learners(lesson).cells, strict=True):
            if cell.kind == GIVEN:
                assert not set(cell.names) & set(lesson.exercises)
            else:
                assert not answers & {line.strip() for line in made.source.splitlines()}


def test_an_exercise_cell_is_signature_docstring_and_stub(lessons):
    for lesson in lessons:
        for cell, made in zip(lesson.cells, learners(lesson).cells, strict=True):
            if cell.kind == EXERCISE:
                stub = ast.parse(made.source).body[0]
                assert stub.name == cell.names[0]
                assert ast.get_docstring(stub)
                last_lines = [line.strip() for line in made.source.splitlines()[-2:]]
                assert last_lines == ["# YOUR CODE HERE", "raise NotImplementedError()"]


def test_nothing_that_learners_get_imports_the_answers(lessons):
    for lesson in lessons:
        code = "\n".join(cell.source for cell in learners(lesson).cells if cell.cell_type == "code")
        assert "solutions" not in code
        assert "autograder" not in code


def test_learners_notebooks_hold_no_outputs(lessons):
    for lesson in lessons:
        for cell in learners(lesson).cells:
            assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.slow
def test_the_lessons_run_from_top_to_bottom_with_their_answers(tmp_path, lessons, exercises):
    build.write_instructor_notebooks(lessons, exercises, PROJECT, tmp_path, SILENT)
    for lesson in lessons:
        notebook = nbformat.read(tmp_path / f"{lesson.stem}.ipynb", as_version=4)
        assert any(cell.get("outputs") for cell in notebook.cells)
        assert not any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", ()))


@pytest.mark.slow
def test_an_untouched_notebook_runs_and_says_what_is_not_started(lessons):
    for lesson in lessons:
        notebook = learners(lesson)
        notebooks.execute(notebook, where=PROJECT / "lessons", name=lesson.stem)
        for cell in notebook.cells:
            outputs = cell.get("outputs", ())
            assert not any(output.output_type == "error" for output in outputs)
            if cell.metadata.get("nbgrader", {}).get("grade"):
                (result,) = (output for output in outputs if output.output_type == "execute_result")
                assert result.data["text/plain"] == "0.0"
                assert "not started yet" in result.data["text/html"]


def test_a_build_writes_what_is_missing_and_then_nothing_more(toy):
    assert build.build_all(toy, None, SILENT) == [toy / "lessons" / "01_toy.ipynb"]
    assert build.build_all(toy, None, SILENT) == []


def test_a_notebook_that_was_edited_is_seen_and_mended(toy):
    build.build_all(toy, None, SILENT)
    path = toy / "lessons" / "01_toy.ipynb"
    built = path.read_bytes()
    path.write_bytes(built.replace(b"A toy", b"A joy"))
    assert build.check_is_current(toy) == [path]
    build.build_all(toy, None, SILENT)
    assert path.read_bytes() == built


def test_a_notebook_without_a_lesson_is_removed(toy):
    orphan = toy / "lessons" / "07_gone.ipynb"
    orphan.write_text("{}")
    assert orphan in build.check_is_current(toy)
    build.build_all(toy, None, SILENT)
    assert not orphan.exists()


def test_a_published_sheet_that_is_missing_or_disagrees_is_compiled_again(tmp_path, exercises):
    def stale(name):
        return list(build.stale_sheets(tmp_path, {name: exercises[name]}))

    ((path, sheet),) = stale("blend")
    path.parent.mkdir(parents=True)
    sheet.save(path)
    assert stale("blend") == []
    ((_, other),) = stale("project")
    other.save(path)
    assert [path for path, _ in stale("blend")] == [path]


def test_a_cell_keeps_its_id_wherever_it_stands(toy):
    def ids(source):
        made = notebooks.learner_notebook(toy_lesson(toy, source), TOY, toy)
        return {cell.source: cell.id for cell in made.cells}

    before, after = ids(TOY_LESSON), ids("# Something new\n\n+++\n\n" + TOY_LESSON)
    assert after.items() > before.items()


def test_equal_cells_have_different_ids(toy):
    twice = TOY_LESSON + "```{code-cell} python3\ndouble(3)\n```\n"
    made = notebooks.learner_notebook(toy_lesson(toy, twice), TOY, toy)
    assert len({cell.id for cell in made.cells}) == len(made.cells) == 6


def test_a_tag_can_hide_a_cells_code(toy):
    made = notebooks.learner_notebook(toy_lesson(toy), TOY, toy)
    assert made.cells[1].metadata["jupyter"] == {"source_hidden": True}


def test_points_come_from_the_exercise(toy):
    made = notebooks.source_notebook(toy_lesson(toy), TOY, toy)
    assert made.cells[3].metadata["nbgrader"]["points"] == 2.0


def test_a_lesson_that_fails_stops_the_build_and_names_the_cell(toy):
    broken = TOY_LESSON.replace("double(3)", "double(undefined)")
    with pytest.raises(Problem, match=r"01_toy.md: running the lesson stopped in the cell `double\(undefined\)`"):
        notebooks.instructor_notebook(toy_lesson(toy, broken), TOY, toy)


def test_a_reference_without_full_points_stops_the_build(toy):
    poor = TOY_LESSON.replace("float(function(1))", "1.0")
    with pytest.raises(Problem, match="the reference earns 1.0 of 2.0 points"):
        notebooks.instructor_notebook(toy_lesson(toy, poor), TOY, toy)
