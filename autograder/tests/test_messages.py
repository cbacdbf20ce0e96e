"""What a learner reads: each kind of trouble in its own words, nothing of ours, and never the answer."""

import json
import re
import sys

import numpy as np
import pytest
import torch
from attention_lab import check
from attention_lab.drivers import Driven
from attention_lab.feedback import verdict_html, verdict_text
from attention_lab.given import is_given
from attention_lab.judge import TRY_IT, judge
from attention_lab.seen import number_text

from autograder.exercises import EXERCISES
from autograder.exercises.compilation import fault_sets
from autograder.exercises.exercise import Untold

check_module = sys.modules[check.__module__]


def softmax(scores, axis=-1):
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def attend(query, keys, values):
    weights = softmax(keys @ query)
    return weights @ values, weights


def changing(scores, axis=-1):
    weights = softmax(scores, axis)
    scores[...] = 0
    return weights


def answering(*values):
    """A function that gives the same answer to every call."""
    return lambda *arguments, **keywords: values[0] if len(values) == 1 else values


SEEN = [  # ON stands for the first example of the exercise, and SHAPE for the shape of its first array
    (
        "softmax",
        lambda scores, axis=-1: None,
        "ON your function returned `None`. Is there a `return` on every path?",
    ),
    (
        "softmax",
        lambda scores, axis=-1: softmax(scores, axis).tolist(),
        "ON, `weights` is a list; it should be a NumPy array of numbers.",
    ),
    (
        "softmax",
        lambda scores, axis=-1: torch.tensor(softmax(scores, axis)),
        "ON, `weights` is a torch tensor; it should be a NumPy array of numbers.",
    ),
    (
        "softmax",
        lambda scores, axis=-1: softmax(scores, axis).astype(object),
        "ON, `weights` is a NumPy array of object; it should be a NumPy array of numbers.",
    ),
    (
        "softmax",
        lambda scores, axis=-1: 0.5,
        "ON, `weights` is a single number; it should be an array of shape SHAPE.",
    ),
    (
        "softmax",
        lambda scores, axis=-1: softmax(scores, axis)[..., :1, :1],
        "ON, `weights` has shape (1, 1); for scores SHAPE it should be SHAPE.",
    ),
    (
        "softmax",
        lambda scores, axis=-1: softmax(scores, axis).astype(int),
        "ON, `weights` holds int64; it should hold floating-point numbers, float32 or float64.",
    ),
    (
        "softmax",
        lambda scores, axis=-1: softmax(scores, axis).astype(np.float16),
        "ON, `weights` holds float16; it should hold floating-point numbers, float32 or float64.",
    ),
    (
        "softmax",
        lambda scores, axis=-1: softmax(scores, axis) * np.nan,
        "ON, `weights[0, 0]` is NaN (not a number).",
    ),
    (
        "softmax",
        lambda scores, axis=-1: softmax(scores, axis) / 0,
        "ON, `weights[0, 0]` is infinite.",
    ),
    (
        "softmax",
        changing,
        "ON your function changed its input `scores`. A caller still needs it: work on a copy.",
    ),
    (
        "softmax",
        lambda scores: softmax(scores),
        "ON, axis `0` your function stopped with `TypeError: <lambda>() got an unexpected "
        "keyword argument 'axis'`, when it was called; is the signature of `softmax` as it was given?",
    ),
    (
        "attend",
        lambda query, keys, values: softmax(keys @ query) @ values,
        "ON your function returned only a NumPy array; it should return 2 things, `(output, weights)`.",
    ),
    (
        "attend",
        lambda query, keys, values: (*attend(query, keys, values), keys @ query),
        "ON your function returned 3 things; it should return 2, `(output, weights)`.",
    ),
    (
        "attend",
        lambda query, keys, values: (None, softmax(keys @ query)),
        "ON, `output` is `None`; it should be a NumPy array of numbers.",
    ),
    (
        "attend",
        lambda query, keys, values: (attend(query, keys, values)[0], 2 * softmax(keys @ query)),
        "ON your `weights` sum to 2; they should sum to 1.",
    ),
    ("diagnose_suspects", answering("overflows", 3, "no exp", ""), "`B` is a number; it should be a text."),
]


@pytest.mark.parametrize(("exercise", "function", "seen"), SEEN, ids=[seen[-40:] for _, _, seen in SEEN])
def test_each_kind_of_trouble_has_its_own_words(sheet_of, exercise, function, seen):
    verdict = judge(sheet_of(exercise), function)
    first = sheet_of(exercise).cases[0]
    on = ", ".join(f"{name} `{number_text(value)}`" for name, value in first.arguments.items())
    shape = str(np.shape(next(iter(first.arguments.values()), 0)))
    assert verdict.seen == seen.replace("ON", f"On {on}").replace("SHAPE", shape)
    assert not verdict.passed


WORDS = {
    "diagnose_leaks": "inverted",
    "diagnose_suspects": "no exp",
    "temperature_answers": "falls",
    "cost_answers": "half",
}


@pytest.mark.parametrize("name", WORDS)
def test_a_wrong_word_is_told_apart_from_one_that_is_no_choice(sheet_of, name):
    right = [str(word) for word in sheet_of(name).cases[0].expected]
    assert right[1] != WORDS[name] and set(right) <= set(sheet_of(name).words)
    wrong, foreign = (judge(sheet_of(name), answering(right[0], word, *right[2:])) for word in (WORDS[name], "purple"))
    assert wrong.seen == f"You say `B`: “{WORDS[name]}”. It is not; all before it are right."
    reply = sheet_of(name).replies.get(WORDS[name], TRY_IT)
    assert wrong.look_at == reply.replace("{name}", "B") and (reply == TRY_IT) == (name != "diagnose_leaks")
    assert foreign.seen.startswith("`B` is “purple”, which is none of the words to choose from: “")
    assert f"“{WORDS[name]}”" in foreign.seen and foreign.look_at == ""
    assert judge(sheet_of(name), answering(*(f" {word.upper()} " for word in right))).passed


def dead_beyond_709(scores, mask):
    powers = np.exp(np.where(mask, scores, -np.inf))
    return np.nan_to_num(powers / powers.sum(-1, keepdims=True))


def divided_again(scores, mask):
    late = softmax(scores) * mask
    return late / late.sum(-1, keepdims=True)


def none_passed_on(query, key, value, mask=None):
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
    weights = np.nan_to_num(softmax(np.where(mask, scores, -np.inf)))
    return weights @ value, weights


def without_abs(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    later = [np.where(np.arange(length)[:, None] < n, x, x + 1) for n in range(1, length)]
    return any((attention(y) - attention(x))[:n].max() > 1e-9 for n, y in enumerate(later, 1))


def without_copy(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    before, found = attention(x), False
    for n in range(1, length):
        x[n:] += 1
        found |= bool(np.abs(attention(x) - before)[:n].max() > 1e-9)
    return found


@pytest.mark.parametrize(
    ("exercise", "function", "words"),
    [
        ("masked_softmax", dead_beyond_709, "it overflows above 709"),
        ("masked_softmax", divided_again, "what is left divided by its sum"),
        ("masked_attention", none_passed_on, "`None` counts as False"),
        ("sees_the_future", without_abs, "outputs which become larger, and no others"),
        ("sees_the_future", without_copy, "a fresh copy of the tokens"),
    ],
)
def test_a_mistake_of_lesson_4_is_put_into_words(sheet_of, exercise, function, words):
    assert words in judge(sheet_of(exercise), function).message


def test_where_a_part_is_lost_on_drawn_cases_alone_the_message_says_so(sheet_of):
    def blind(attention, length, d_model, rng):
        x = rng.normal(size=(length, d_model))
        return length == 4 and bool(np.abs(attention(x + np.eye(4)[-1:].T) - attention(x))[:-1].max() > 1e-9)

    verdict = judge(sheet_of("sees_the_future"), blind)
    assert verdict.points == 0 and verdict.seen.startswith("With ")
    assert verdict.look_at.startswith("The small printed examples come out right, but a part counts when all of its")


def test_no_two_kinds_share_their_words():
    assert len({re.sub(r"`.*?`", "", seen) for _, _, seen in SEEN}) >= len(SEEN) - 3


CELL = """
import numpy as np
def softmax(scores, axis=-1):
    total = np.linalg.norm(scores)
    return helper(scores / total)

def helper(scores):
    return np.concatenate([scores, np.ones((7, 7, 7, 7))])
"""


def from_cell(source, name, filename="<ipython-input-3>"):
    """The function a notebook's cell defines, its lines known to the traceback as in a notebook."""
    import linecache

    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    cell = {"__name__": "__main__"}
    exec(compile(source, filename, "exec"), cell)
    return cell[name]


def test_an_exception_shows_the_learners_line_and_no_frame_of_ours(sheet_of):
    verdict = judge(sheet_of("softmax"), from_cell(CELL, "softmax"))
    assert " your function stopped with `ValueError: all the input" in verdict.seen
    assert ", at line 8 of your cell, in `helper`: `return np.concatenate([scores, np.ones" in verdict.seen
    assert "Traceback" not in verdict.message and "observation" not in verdict.message
    assert verdict.look_at == ""


def test_a_stub_behind_the_function_is_named(sheet_of):
    source = (
        "def softmax(scores, axis=-1):\n    raise NotImplementedError('softmax')\n"
        "def attend(query, keys, values):\n    return softmax(keys @ query) @ values, softmax(keys @ query)\n"
    )
    verdict = judge(sheet_of("attend"), from_cell(source, "attend"))
    assert verdict.message == "`attend` calls `softmax`, which is not written yet. Write that one first."
    assert (verdict.points, verdict.started) == (0.0, True)


def test_two_mistakes_are_both_explained(sheet_of):
    verdict = judge(sheet_of("attend"), lambda query, keys, values: attend(query, keys, keys)[::-1])
    assert set(verdict.misconceptions) == {"blends-keys", "swapped-return"}
    assert verdict.matches.startswith("This matches two things at once: ")


def every_verdict(sheet_of):
    """What every single mistake and every reference is told."""
    for name, exercise in EXERCISES.items():
        yield judge(sheet_of(name), Driven(exercise.reference) if exercise.driver else exercise.reference)
        for faults in fault_sets(exercise):
            if len(faults) == 1:

                def function(*arguments, _exercise=exercise, _faults=frozenset(faults), **keywords):
                    try:
                        return _exercise.model(_faults, *arguments, **keywords)
                    except Untold:
                        return _exercise.reference(*arguments, **keywords)

                yield judge(sheet_of(name), Driven(function) if exercise.driver else function)


def test_a_message_is_calm_and_shows_nothing_of_ours(sheet_of):
    ours = ("attention_lab", "autograder", "sheet", "Fault", "verdict", "BREAKS", "slot", "!")
    verdicts = list(every_verdict(sheet_of))
    assert len(verdicts) > 80
    for verdict in verdicts:
        text = re.sub(r"`[^`]*\bat line .*", "", verdict.message)
        assert [word for word in ours if word in text] == [], verdict.message
        assert all(line and line == line.strip() and line[-1] in ".?`" for line in verdict.message.split("\n"))
        assert not verdict.misconceptions or (verdict.matches.startswith("This matches ") and verdict.look_at)


def _zeros(output):
    if isinstance(output, torch.Tensor):
        return torch.zeros_like(output)
    return output if isinstance(output, str) else np.zeros(np.shape(output))


@pytest.mark.parametrize("name", [name for name in EXERCISES if EXERCISES[name].faults])
def test_the_right_numbers_are_never_told(sheet_of, name):
    exercise = EXERCISES[name]

    def almost_nothing(*arguments, **keywords):
        returned = exercise.reference(*arguments, **keywords)
        empty = tuple(_zeros(output) for output in (returned if len(exercise.outputs) > 1 else (returned,)))
        return empty if len(empty) > 1 else empty[0]

    message = judge(sheet_of(name), Driven(almost_nothing)).message
    case = sheet_of(name).cases[0]
    numbers = [output for output in case.expected if not isinstance(output, str)]
    right = {f"{number:.4g}" for output in numbers for number in np.ravel(output)}
    arguments = [getattr(value, "numbers", value) for value in case.arguments.values()]
    arguments = [value for value in arguments if not is_given(value) and value is not None]
    shown = {f"{number:.4g}" for value in (*arguments, 0, 1) for number in np.ravel(value)}
    told = set(re.findall(r"-?\d+\.?\d*", message))
    assert case.shown and not (right - shown) & told, message


def test_html_is_escaped_and_text_is_not(sheet_of):
    def hostile(scores, axis=-1):
        raise ValueError("<script>alert(1)</script> `code` **bold** <img src=x onerror=alert(2)>")

    verdict = judge(sheet_of("softmax"), hostile)
    shown = verdict_html(verdict)
    assert "<script" not in shown and "<img" not in shown and "&lt;script&gt;" in shown
    assert "<script>alert(1)</script>" in verdict_text(verdict)


def test_a_type_with_a_hostile_name_is_escaped(sheet_of):
    hostile = type("<script>", (), {})
    assert "<script" not in verdict_html(judge(sheet_of("softmax"), answering(hostile())))


def test_a_long_exception_is_cut_and_kept_on_one_line(sheet_of):
    def long_winded(scores, axis=-1):
        raise ValueError("line one\nline two " + "x" * 100_000)

    message = judge(sheet_of("softmax"), long_winded).message
    assert len(message) < 1000 and "line one line two" in message and "\n" not in message


def test_an_exception_that_cannot_be_printed_is_told_by_its_type(sheet_of):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("mute")

    def raising(scores, axis=-1):
        raise Mute

    assert "your function stopped with `Mute`, at line" in judge(sheet_of("softmax"), raising).message


@pytest.fixture
def published(sheet_of, monkeypatch):
    """`check` reads freshly compiled sheets instead of those on disk."""
    monkeypatch.setattr(check_module, "published_sheet", sheet_of)
    monkeypatch.setattr(check_module, "exercise_names", lambda: tuple(sorted(EXERCISES)))


def test_a_score_is_a_number_that_also_shows_its_verdict(published, capsys):
    score = check(softmax)
    shown = score._repr_mimebundle_()
    assert (score, float(shown["text/plain"])) == (4.0, 4.0)
    assert shown["text/html"].startswith('<section role="group" aria-label="✓ softmax: 4 of 4 points"')
    assert json.dumps(score) == "4.0"
    printed = capsys.readouterr()
    assert printed.err == "" and printed.out.startswith("✓ softmax: 4 of 4 points\n")


def test_what_a_function_prints_and_warns_is_not_shown(published, capsys):
    def loud(scores, axis=-1):
        print("printed")
        print("on stderr", file=sys.stderr)
        return np.exp(scores) / np.exp(scores).sum(axis=axis, keepdims=True)

    loud.__name__ = "softmax"
    assert check(loud) == 3.0
    printed = capsys.readouterr()
    assert printed.err == "" and "printed" not in printed.out


@pytest.mark.parametrize("given", [lambda: None, 3, "softmax", len])
def test_what_is_no_exercise_is_told_which_there_are(published, given):
    with pytest.raises(ValueError, match=r"check\(\) knows no exercise called .* softmax"):
        check(given)


def test_a_function_goes_by_the_name_it_is_bound_to(published, capsys):
    cell = {"check": check, "np": np, "of": softmax}
    exec("softmax = lambda s, axis=-1: of(s, axis)\nscore = check(softmax)", cell)
    assert cell["score"] == 4.0
