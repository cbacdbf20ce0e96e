"""The demo, end to end: right answers earn everything, mistakes are named, and everyone has a grade."""

import io
import re
import resource

import pytest
from rich.console import Console

from autograder import demo
from autograder.class_settings import read_settings
from autograder.jail import why_no_jail
from autograder.recorded_points import recorded_points
from autograder.result_table import observations
from autograder.samples import ATTACKERS, BROKEN, RIGHT, SAMPLES, WRONG

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here"),
]


def processor_seconds():
    """Unlike a clock's, these hardly depend on what else the machine is doing."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """One run of the demo: its directory, what it printed, and the processor seconds of what it started."""
    screen, before = io.StringIO(), processor_seconds()
    directory = demo.run_demo(Console(file=screen, width=160))
    return directory, screen.getvalue(), processor_seconds() - before


@pytest.fixture(scope="module")
def points(played, lessons):
    db_url = read_settings(played[0]).db_url
    return {(who, cell): earned for lesson in lessons for who, cell, earned in recorded_points(db_url, lesson.stem)}


@pytest.fixture(scope="module")
def taught(lessons, exercises):
    """The exercises that stand in a lesson; some are ready before their lesson is."""
    return {name: exercises[name] for lesson in lessons for name in lesson.exercises}


def test_every_sample_has_a_grade_for_every_exercise(points, taught):
    assert points.keys() == {(sample.id, f"check-{name}") for sample in SAMPLES for name in taught}
    assert all(earned is not None for earned in points.values())


def test_right_answers_earn_everything_however_they_are_written(points, taught):
    for sample in RIGHT:
        earned = {name: points[sample.id, f"check-{name}"] for name in taught}
        assert earned == {name: exercise.points for name, exercise in taught.items()}, sample.name


def test_whoever_did_not_start_earns_nothing(points):
    assert {earned for (who, _), earned in points.items() if who == "jun"} == {0.0}


@pytest.mark.parametrize(
    ("who", "exercise", "saw"),
    [
        ("fatima", "softmax", ["softmax-wrong-axis"]),
        ("fatima", "attention_scores", ["scores-transposed"]),
        ("goro", "softmax", ["softmax-unstable"]),
        ("goro", "project", ["bias-forgotten"]),
        ("goro", "self_attention", ["value-not-projected"]),
        ("hana", "attend", ["scaled-early"]),
        ("ivan", "blend", ["blend-transposed-weights"]),
        ("ivan", "attention", ["swapped-return"]),
        ("ivan", "cross_attention", ["cross-roles-swapped", "swapped-return"]),
        ("fatima", "scaled_dot_product_attention", ["unscaled"]),
        ("hana", "scaled_dot_product_attention", ["scaled-by-d_k"]),
        ("goro", "entropy", ["entropy-nan-at-zero"]),
        ("ivan", "softmax_jacobian", ["jacobian-sign"]),
        ("fatima", "causal_mask", ["causal-upper"]),
        ("ivan", "masked_softmax", ["mask-after-softmax"]),
        ("goro", "sees_the_future", ["detector-one-position"]),
        ("fatima", "merge_heads", ["merge-without-transpose"]),
        ("hana", "split_heads", ["split-without-transpose"]),
        ("goro", "parameter_count", ["output-projection-uncounted"]),
        ("fatima", "score_matrix_bytes", ["hard-coded-float32"]),
        ("hana", "attention_flops", ["half-the-operations"]),
        ("goro", "benchmark", ["no-warm-up"]),
        ("ivan", "tiled_attention", ["maximum-starts-at-zero"]),
        ("jun", "softmax", ["not started"]),
        ("kofi", "softmax", ["NameError"]),
        ("kofi", "attention", ["ValueError"]),
        ("lena", "softmax", ["SyntaxError"]),
    ],
)
def test_the_mistake_is_named(played, points, lessons, exercises, who, exercise, saw):
    directory = played[0]
    (lesson,) = (lesson for lesson in lessons if exercise in lesson.exercises)
    graded = directory / "autograded" / who / lesson.stem / f"{lesson.stem}.ipynb"
    assert observations(graded).words[exercise] == saw
    assert points[who, f"check-{exercise}"] < exercises[exercise].points


def test_what_is_printed_shows_each_learner_and_where_things_lie(played, lessons):
    directory, printed, _ = played
    for sample in SAMPLES:
        assert len(re.findall(rf"\b{sample.name}\b", printed)) == len(lessons)
    for path in ("gradebook.db", "grades.csv"):
        assert str(directory / path) in printed
        assert (directory / path).is_file()


def test_every_learner_has_feedback_to_read(played, lessons):
    pages = sorted(path.parent.parent.name for path in played[0].glob("feedback/*/*/*.html"))
    assert pages == sorted(sample.id for sample in SAMPLES for _ in lessons)


def test_who_prints_or_patches_earns_no_more_than_the_answers_are_worth(played, points):
    for sample in ATTACKERS:
        assert points[sample.id, "check-softmax"] == points[sample.id, "check-project"] == 0.0
        page = (played[0] / "feedback" / sample.id / "01_intuition" / "01_intuition.html").read_text()
        assert "<script>document.title" not in page


def test_half_a_file_earns_nothing_and_deleted_checks_cost_nothing(points, taught):
    assert {earned for (who, _), earned in points.items() if who == "otto"} == {0.0}
    assert {name: points["pia", f"check-{name}"] for name in taught} == {
        name: exercise.points for name, exercise in taught.items()
    }


def test_the_samples_are_a_dozen_and_four_more_told_apart():
    assert len(SAMPLES) == len({sample.id for sample in SAMPLES}) == 16
    assert len(ATTACKERS + BROKEN) == 4
    assert all(sample.answers for sample in WRONG)


def test_a_class_of_all_lessons_takes_a_few_minutes_of_one_core(played, lessons):
    assert played[2] < 60 * len(lessons)
