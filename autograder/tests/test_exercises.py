"""Every exercise against its reference, its stub, every mistake on its list, and every two of them at once."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from attention_lab.comparison import as_values, matches, raised
from attention_lab.drivers import Driven
from attention_lab.given import fresh
from attention_lab.judge import judge

from autograder.build import PUBLISHED_SEED
from autograder.exercises import EXERCISES
from autograder.exercises.compilation import fault_sets
from autograder.exercises.exercise import Untold

SEEDS = (PUBLISHED_SEED, 61)
POINTS = {
    "softmax": 4,
    "blend": 2,
    "attend": 4,
    "plain_self_attention": 4,
    "project": 2,
    "attention_scores": 3,
    "attention": 4,
    "self_attention": 4,
    "cross_attention": 3,
    "score_variance": 3,
    "scaled_dot_product_attention": 4,
    "entropy": 3,
    "softmax_jacobian": 4,
    "causal_mask": 3,
    "padding_mask": 3,
    "masked_softmax": 4,
    "masked_attention": 4,
    "sees_the_future": 4,
    "split_heads": 3,
    "merge_heads": 3,
    "multi_head_attention": 5,
    "MultiHeadAttention": 6,
    "parameter_count": 2,
    "repaired_attention": 4,
    "batched_attention": 4,
    "attention_flops": 2,
    "score_matrix_bytes": 2,
    "fused_attention": 3,
    "tiled_attention": 8,
    "benchmark": 3,
}
MISTAKES = {
    "01_intuition": "softmax-wrong-axis softmax-over-everything softmax-ignores-axis softmax-unstable "
    "softmax-global-max softmax-no-exp softmax-modifies-input blend-transposed-weights blend-unweighted-mean "
    "blends-keys no-softmax swapped-return scores-elementwise scaled-early",
    "02_queries_keys_values": "weight-transposed bias-forgotten scores-transposed transpose-all-axes "
    "scores-elementwise scaled-early softmax-over-queries blends-keys swapped-return value-not-projected "
    "shared-query-key key-value-swapped cross-roles-swapped values-from-queries ignores-context",
    "03_scaling": "unscaled scaled-by-d_k scaled-by-sqrt-d_v scaled-by-sqrt-length multiplied-by-sqrt-d_k "
    "scaled-after-softmax scale-hard-coded scaled-twice softmax-over-queries entropy-base-2 entropy-sign "
    "entropy-nan-at-zero entropy-mean jacobian-sign jacobian-diagonal-only standard-deviation "
    "ignores-rng",
    "04_masking": "causal-inverted causal-upper causal-excludes-self causal-leaks-one causal-not-boolean "
    "padding-inverted padding-on-queries padding-off-by-one padding-missing-axis mask-after-softmax "
    "mask-as-zero-score mask-inverted fill-too-small fully-masked-nan fully-masked-uniform modifies-scores "
    "crashes-without-mask mask-ignored unscaled scaled-by-d_k detector-always-true detector-always-false "
    "detector-one-position",
    "05_multi_head": "split-without-transpose split-interleaved no-divisibility-error merge-without-transpose "
    "merge-averages-heads merge-along-sequence output-projection-forgotten scaled-by-sqrt-d_model heads-averaged "
    "softmax-over-heads mask-ignored context-ignored values-from-queries heads-in-a-list detached "
    "parameters-times-heads bias-forgotten output-projection-uncounted",
    "06_batched_gpu": "transposes-wrong-axes fill-overflows-half fully-masked-nan hard-coded-float32 "
    "half-the-operations mask-inverted mask-added-as-number output-not-rescaled denominator-not-rescaled "
    "maximum-starts-at-zero divides-per-block last-block-dropped materialises-scores no-warm-up mean-not-median",
}


def right(exercise):
    """The reference as a learner's function."""
    return Driven(exercise.reference) if exercise.driver else exercise.reference


def faulty(exercise, faults):
    """The model with `faults` as a learner's function; where they say nothing, it answers like the reference."""

    def function(*arguments, **keywords):
        try:
            return exercise.model(frozenset(faults), *arguments, **keywords)
        except Untold:
            return exercise.reference(*arguments, **keywords)

    return Driven(function) if exercise.driver else function


def is_untold(exercise, faults):
    """Whether a model does not say what two faults at once would give, on the simplest of cases."""
    first = next(iter(exercise.shown()))
    try:
        with np.errstate(all="ignore"):
            exercise.model(frozenset(faults), *fresh(first.arguments).values())
    except Exception as error:  # of any other kind, as a learner's function would raise it
        return isinstance(error, Untold)
    return False


def names_of(exercise, faults):
    """The names that a verdict may use for `faults`; a quiet fault is explained without one."""
    quiet = {fault.id for fault in exercise.faults if fault.quiet}
    return {switch.split("/")[0] for switch in faults} - quiet


each_exercise = pytest.mark.parametrize("name", EXERCISES)
each_seed = pytest.mark.parametrize("seed", SEEDS)


@each_seed
@each_exercise
def test_the_reference_earns_every_point(sheet_of, name, seed):
    verdict = judge(sheet_of(name, seed), right(EXERCISES[name]))
    assert verdict.passed and verdict.points == EXERCISES[name].points
    assert (verdict.seen, verdict.misconceptions) == (EXERCISES[name].success, ())


@each_exercise
def test_a_stub_is_not_started_and_earns_nothing(sheet_of, name):
    def stub(*arguments, **keywords):
        raise NotImplementedError

    stub.__code__ = stub.__code__.replace(co_name=name)
    verdict = judge(sheet_of(name), stub)
    assert (verdict.started, verdict.points, verdict.passed) == (False, 0.0, False)
    assert verdict.message == f"`{name}` is not started yet."


@each_seed
@each_exercise
def test_every_single_mistake_fails_and_is_named(sheet_of, name, seed):
    exercise = EXERCISES[name]
    for faults in fault_sets(exercise):
        if len(faults) == 1:
            verdict = judge(sheet_of(name, seed), faulty(exercise, faults))
            assert verdict.points < verdict.max_points, faults
            assert set(verdict.misconceptions) == names_of(exercise, faults), faults
            assert verdict.matches.startswith("This matches ") and verdict.look_at.endswith((".", "?")), faults


@each_seed
@each_exercise
def test_two_mistakes_at_once_fail_and_are_never_called_by_another_name(sheet_of, name, seed):
    exercise = EXERCISES[name]
    both = 0
    pairs = [faults for faults in fault_sets(exercise) if len(faults) == 2 and not is_untold(exercise, faults)]
    for faults in pairs:
        verdict = judge(sheet_of(name, seed), faulty(exercise, faults))
        assert verdict.points < verdict.max_points, faults
        assert set(verdict.misconceptions) <= names_of(exercise, faults), (faults, verdict.misconceptions)
        both += "two things at once" in verdict.matches
    assert both >= len(pairs) / 2


@each_exercise
def test_the_model_without_faults_is_the_reference(name):
    exercise = EXERCISES[name]
    rng = np.random.default_rng(3)
    for draft in [*exercise.shown(), *exercise.draw(rng)]:
        answers = []
        for function in (partial(exercise.model, frozenset()), exercise.reference):
            arguments = fresh(draft.arguments)
            named = {key: arguments.pop(key) for key in draft.keywords}
            try:
                answers.append(as_values(function(*arguments.values(), **named), len(exercise.outputs)))
            except ValueError as error:
                assert draft.raises
                answers.append((raised(error),))
        assert matches(*answers), draft.name


@each_exercise
def test_published_and_private_sheets_judge_alike(sheet_of, name):
    exercise = EXERCISES[name]
    for faults in fault_sets(exercise):
        if len(faults) == 1:
            function = faulty(exercise, faults)
            published, private = (judge(sheet_of(name, seed), function) for seed in SEEDS)
            if published.seen.startswith("With "):  # of a case that is drawn, the sizes and the numbers differ
                published = replace(published, seen=private.seen)
            assert published == private, faults


@each_exercise
def test_a_sheet_is_read_as_it_was_written(sheet_of, name, tmp_path):
    from attention_lab.sheet import load_sheet

    sheet = sheet_of(name)
    sheet.save(tmp_path / "one.npz")
    load_sheet(tmp_path / "one.npz").save(tmp_path / "two.npz")
    assert load_sheet(tmp_path / "one.npz").agrees_with(sheet)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize("lesson", MISTAKES)
def test_every_mistake_of_the_curriculum_belongs_to_an_exercise_of_its_lesson(lesson):
    faults = {fault.id for exercise in EXERCISES.values() if exercise.lesson == lesson for fault in exercise.faults}
    assert set(MISTAKES[lesson].split()) <= faults


def test_no_mistake_has_a_name_that_the_curriculum_does_not_list():
    listed = {name for names in MISTAKES.values() for name in names.split()}
    faults = [fault for exercise in EXERCISES.values() for fault in exercise.faults]
    assert {fault.id for fault in faults if not fault.quiet} <= listed


def test_every_exercise_of_the_curriculum_has_its_points():
    assert {name: EXERCISES[name].points for name in POINTS} == POINTS


def test_a_table_of_the_shown_examples_earns_nothing(sheet_of):
    for name in EXERCISES:
        cases = [case for case in sheet_of(name, SEEDS[0]).cases if case.shown and case.arguments]
        table = {repr(case.arguments): case.expected for case in cases}

        def look_up(*arguments, table=table, cases=cases, **keywords):
            for case in cases:
                given = dict(zip(case.arguments, arguments, strict=False)) | keywords
                if repr(given) == repr(case.arguments):
                    answer = table[repr(given)]
                    return answer if len(answer) > 1 else answer[0]
            return None

        if cases:
            assert judge(sheet_of(name, SEEDS[1]), look_up).points == 0
