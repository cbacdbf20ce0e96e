"""Reading a lesson: what an author got wrong is told in one sentence that names the cell."""

from types import SimpleNamespace

import pytest

from autograder.lesson import lesson_sources, read_lesson
from autograder.lesson_rules import check_rules, prose_words
from autograder.problem import Problem

EXERCISES = {"softmax": SimpleNamespace(id="softmax", lesson="01_toy", points=4)}


def code(text, tags=""):
    return f"```{{code-cell}} python3\n{f':tags: [{tags}]' + chr(10) if tags else ''}{text}\n```\n"


EXERCISE = code("from solutions.intuition import softmax", "exercise")
CHECK = code("check(softmax)")
GOOD = "# A lesson\n\n" + EXERCISE + "\nTry it.\n\n" + CHECK


def read(tmp_path, source):
    path = tmp_path / "01_toy.md"
    path.write_text(source, encoding="utf-8")
    lesson = read_lesson(path)
    check_rules(lesson, EXERCISES)
    return lesson


def test_each_cell_is_known_by_its_kind(tmp_path):
    lesson = read(tmp_path, GOOD + code("from solutions.intuition import blend, attend", "given"))
    assert [cell.kind for cell in lesson.cells] == ["prose", "exercise", "prose", "grade", "given"]
    assert lesson.cells[-1].names == ("blend", "attend")
    assert lesson.exercises == ("softmax",)


def test_lessons_come_in_order_and_nothing_else_is_one(tmp_path):
    source = tmp_path / "lessons" / "source"
    source.mkdir(parents=True)
    for name in ("02_second.md", "01_first.md", "notes.md"):
        (source / name).write_text("# A lesson\n")
    assert [path.stem for path in lesson_sources(tmp_path)] == ["01_first", "02_second"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (EXERCISE, "the exercise `softmax` has no check"),
        (EXERCISE + code("x = 1") + CHECK, "the exercise `softmax` has no check"),
        (EXERCISE + code("check(softmax)\nprint(1)"), "must be `check(softmax)` alone"),
        (EXERCISE + code("check(softmax); check(softmax)"), "must be `check(softmax)` alone"),
        (code("import solutions", "exercise") + CHECK, "must hold one import and nothing else"),
        (code("from solutions.intuition import softmax as s", "exercise") + CHECK, "must hold one import"),
        (code("from solutions.intuition import softmax, blend", "exercise"), "names 2 functions"),
        (code("def (", "given"), "must hold one import and nothing else"),
        (GOOD + code("from solutions.intuition import blend", "exercise") + code("check(blend)"),
         "the exercise `blend` is not in autograder/exercises"),
        (GOOD + GOOD, "stands in the lesson twice"),
        ("# Nothing to do\n", "the lesson has no exercise cell for `softmax`"),
        (GOOD + code("from solutions.intuition import blend"), "would show learners where answers are"),
        (GOOD + code("\n".join(["x = 1"] * 13)), "has 13 lines; at most 12 may be"),
        (GOOD + "word " * 151 + "\n\n" + code("x = 1"), "151 words between the code cells"),
    ],
)  # fmt: skip
def test_a_mistake_of_the_author_is_told(tmp_path, source, sentence):
    with pytest.raises(Problem) as told:
        read(tmp_path, source)
    assert sentence in str(told.value)
    assert str(told.value).startswith("01_toy.md: ")


def test_an_exercise_of_another_lesson_is_told(tmp_path):
    elsewhere = {"softmax": SimpleNamespace(id="softmax", lesson="02_other", points=4)}
    path = tmp_path / "01_toy.md"
    path.write_text(GOOD)
    with pytest.raises(Problem, match="belongs to the lesson 02_other"):
        check_rules(read_lesson(path), elsewhere)


def test_the_limits_themselves_are_allowed(tmp_path):
    read(tmp_path, GOOD + "word " * 150 + "\n\n" + code("\n".join(["x = 1"] * 12)))


def test_prose_before_the_first_and_after_the_last_code_cell_may_be_longer(tmp_path):
    read(tmp_path, "word " * 400 + "\n\n" + GOOD + "word " * 400)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Three **short** words.", 3),
        ("One<br>\n<details><summary>Hint</summary>many words\n\nfolded</details>\ntwo — three", 3),
        ("A table:\n\n| not | counted |\n|---|---|\n| nor | this |\n", 2),
        ("See [the paper](https://example.org/a b c) now", 4),
        ("```python\nnot = prose\n```\nprose", 1),
        ("The formula $$ a + b = c $$ holds", 3),
    ],
)
def test_only_prose_counts_as_words(text, words):
    assert prose_words(text) == words
