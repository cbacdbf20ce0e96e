"""Lesson 4: a detector, judged on functions that are honest and on functions that leak a little somewhere."""

import numpy as np
from attention_lab.given import Attention, Generator

from autograder.exercises.exercise import Draft, Exercise, Fault, Raises, Untold
from solutions import masking

ONE_POSITION = {  # variant: (the first changed token, the first left alone after it, outputs compared), for a length
    "last": lambda n: (n - 1, n, slice(n - 1)),
    "first": lambda n: (1, n, slice(1)),
    "middle": lambda n: (n // 2, n, slice(n // 2)),
    "second": lambda n: (1, 2, slice(1)),
    "first-and-last": lambda n: (n - 1, n, slice(1)),
    "last-neighbour": lambda n: (n - 1, n, slice(n - 2, n - 1)),
}
STOPS = (
    "last",
    "middle",
    "last-neighbour",
)  # of those, the ones that may stop at the maximum of nothing, for one token
DIFFER = {  # fault: how it finds that outputs differ
    "compares-exactly": lambda after, before: (after != before).any(),
    "compares-one-number": lambda after, before: np.abs(after - before)[:, 0].max() > 1e-9,
    "sums-differences": lambda after, before: np.abs((after - before).sum()) > 1e-9,
}
BOUNDS = {"1e-4": 1e-4, "1e-3": 1e-3, "0.01": 0.01, "0.1": 0.1}  # variant: a bound that is too large
WHISPER = 2e-5  # about as small as the leak of `attention_c`; a bound of 1e-5 finds it with almost any tokens
ENDS = {
    "first": (2, 0),
    "last": (1, 1),
    "both": (2, 1),
}  # variant: where the positions begin, and how many are left out
CHANGES = {  # variant: what the tokens from a position on become
    "random": lambda later, rng: rng.normal(size=later.shape),
    "plus-one": lambda later, rng: later + 1,
    "zeros": lambda later, rng: np.zeros_like(later),
}


def _differ(after, before):
    return np.abs(after - before).max() > 1e-9


ALONE = ("detector-always", "detector-without-abs", "answer-exchanged", "lets-small")  # they compare in their own way


def _detector(faults, attention, length, d_model, rng):
    if len(faults) > 1 and any(fault.startswith(ALONE) for fault in faults):
        raise Untold
    if "answer-exchanged" in faults:
        return not _detector((), attention, length, d_model, rng)
    if "answer-exchanged/one-token" in faults:
        return length > 1 and not _detector((), attention, length, d_model, rng)
    if "detector-always-true" in faults:
        return True
    if "detector-always-true/two-tokens" in faults:
        return length > 1
    if "detector-always-true/no-copy" in faults and length > 2:
        return True
    if "detector-always-false" in faults:
        return False
    differ = next((differ for fault, differ in DIFFER.items() if fault in faults), _differ)
    for variant, bound in BOUNDS.items():
        if f"lets-small-changes-pass/{variant}" in faults:
            return _is_above(bound, attention, length, d_model)
    if "detector-one-position/first-or-nothing" in faults and length == 1:
        raise ValueError("a loop without a turn returns nothing")
    if "detector-one-position/first-or-nothing" in faults:
        return _moves(attention, length, d_model, rng, differ, *ONE_POSITION["first"](length))
    if "changes-the-past" in faults:
        ends = ((0, n, slice(n, None)) for n in range(1, length))
        return any(_moves(attention, length, d_model, rng, differ, *places) for places in ends)
    for variant, places in ONE_POSITION.items():
        if f"detector-one-position/{variant}" in faults:
            return length > 1 and _moves(attention, length, d_model, rng, differ, *places(length))
        if f"detector-one-position/{variant}-stops" in faults:
            if length == 1:
                raise Raises
            return _moves(attention, length, d_model, rng, differ, *places(length))
    for variant, change in CHANGES.items():
        if f"detector-without-abs/{variant}" in faults:
            return _rises(attention, length, d_model, rng, change)
    for variant, (start, left_out) in ENDS.items():
        if f"leaves-out-an-end/{variant}" in faults:
            return _moves_before(range(start, length - left_out), attention, length, d_model, rng, differ)
    return _moves_before(range(1, length), attention, length, d_model, rng, differ)


def _moves(attention, length, d_model, rng, differ, start, stop, compared):
    """Whether the compared outputs change when the tokens from `start` to `stop` do."""
    x = rng.normal(size=(length, d_model))
    changed = x.copy()
    changed[start:stop] = rng.normal(size=(stop - start, d_model))
    return bool(differ(attention(changed)[compared], attention(x)[compared]))


def _moves_before(positions, attention, length, d_model, rng, differ):
    """Whether outputs before one of the positions change when all tokens from there on do."""
    return any(_moves(attention, length, d_model, rng, differ, n, length, slice(n)) for n in positions)


def _is_above(bound, attention, length, d_model):
    """Whether a detector with this bound finds a leak, where that does not depend on the tokens that it draws."""
    usual = np.median([_largest(attention, length, d_model, np.random.default_rng(seed)) for seed in range(9)])
    if 0.8 * bound < usual < 20 * bound:
        raise Untold
    return bool(usual > bound)


def _largest(attention, length, d_model, rng):
    """The largest change of an output before any position when all tokens from there on change."""
    x = rng.normal(size=(length, d_model))
    before, largest = attention(x), 0.0
    for position in range(1, length):
        changed = x.copy()
        changed[position:] = rng.normal(size=(length - position, d_model))
        largest = max(largest, np.abs(attention(changed) - before)[:position].max())
    return largest


def _rises(attention, length, d_model, rng, change):
    """Whether an output becomes larger when later tokens change; one that becomes smaller is not noticed."""
    x = rng.normal(size=(length, d_model))
    before = attention(x)
    for position in range(1, length):
        changed = x.copy()
        changed[position:] = change(x[position:], rng)
        if (attention(changed)[:position] - before[:position]).max() > 1e-9:
            return True
    return False


def _draft(part, name, attention, length, d_model, seed, shown=False):
    arguments = {"attention": attention, "length": length, "d_model": d_model, "rng": Generator(seed)}
    return Draft(part, name, arguments, shown=shown)


def _shown():
    yield _draft("large leaks", "", Attention("causal attention"), 4, 2, 1, shown=True)
    yield _draft("large leaks", "", Attention("attention to everything"), 4, 2, 1, shown=True)
    yield _draft("small leaks", "", Attention("a running mean", (1, 3, 0.001)), 4, 2, 1, shown=True)
    yield _draft("small leaks", "", Attention("a running mean", (1, 3, WHISPER)), 4, 7, 1, shown=True)


def _draw(rng):
    bases = ("causal attention", "a running mean", "a copy")
    for part, size in (("large leaks", 1.0), ("small leaks", 0.001)):
        n, d = int(rng.integers(6, 10)), int(rng.integers(2, 6))
        seeds = iter(rng.integers(10_000, size=20).tolist())
        places = {
            "from the last token to the first": (0, n - 1),
            "from the last token to the one before it": (n - 2, n - 1),
            "from the second token to the first": (0, 1),
            "between two neighbours before the middle": (1, 2),
            "between two neighbours after the middle": (n - 3, n - 2),
        }
        for name, place in places.items():
            leaky = Attention(str(rng.choice(bases)), (*place, size))
            yield _draft(part, f"a leak of {size:g} {name}", leaky, n, d, next(seeds))
        for base in bases:
            backwards = Attention(base, (n - 1, 0, size))
            yield _draft(part, f"{base}, which is honest", Attention(base), n, d, next(seeds))
            yield _draft(part, f"{base} that also sees the first token", backwards, n, d, next(seeds))
        seed = next(seeds)
        for signed in (size, -size):  # the same tokens twice: a change without its sign is missed in one of the two
            early = Attention("a copy", (0, 1, signed))
            yield _draft(part, f"one number a token, a leak of {signed:g}", early, n, 1, seed)
            leaky = Attention(str(rng.choice(bases)), (n - 3, n - 1, signed))
            yield _draft(part, f"one number a token, a later leak of {signed:g}", leaky, n, 1, seed)
        for numbers, name in (("last", "the last number of a token"), ("cancel", "two numbers, one up and one down")):
            leaky = Attention(str(rng.choice(bases)), (n - 3, n - 1, size), numbers)
            yield _draft(part, f"a leak of {size:g} in {name}", leaky, n, d, next(seeds))
        everything = Attention("attention to everything")
        yield _draft(part, "attention to everything", everything, n, d, next(seeds))
        yield _draft(part, "a single token", everything, 1, d, next(seeds))
        yield _draft(part, "two tokens", Attention("a copy", (0, 1, size)), 2, d, next(seeds))
    for place, name in (((0, n - 1), "from the last token to the first"), ((n - 3, n - 2), "between two neighbours")):
        whisper = Attention(str(rng.choice(bases)), (*place, WHISPER))
        yield _draft("small leaks", f"a leak of {WHISPER:g} {name}", whisper, n, 11, int(rng.integers(10_000)))
    rounded = Attention("causal attention with other last digits")
    yield _draft("small leaks", "causal attention that is honest but for rounding", rounded, n, d, next(seeds))


SEES_THE_FUTURE = Exercise(
    id="sees_the_future",
    lesson="04_masking",
    reference=masking.sees_the_future,
    model=_detector,
    outputs=("sees_the_future(…)",),
    parts={"large leaks": 2, "small leaks": 2},
    success="`sees_the_future` holds: it finds small leaks wherever they are, and clears the honest.",
    faults=(
        Fault(
            "detector-always-true",
            "detector",
            "a detector that calls every function leaky",
            "Do you compare outputs of tokens that have themselves changed? Theirs may move. And does each turn of "
            "a loop begin with a fresh copy of the tokens?",
            ("", "two-tokens", "no-copy"),
        ),
        Fault(
            "detector-always-false",
            "detector",
            "a detector that clears every function",
            "Is what you compare with computed before the tokens change? And are they changed in a copy?",
        ),
        Fault(
            "detector-one-position",
            "detector",
            "an answer that rests on one position alone",
            "A leak may lie between any two tokens: on how many positions should the answer rest? In a loop, does an "
            "early find survive the later turns, and in which turn may you be sure that there is no leak?",
            (*ONE_POSITION, *(f"{variant}-stops" for variant in STOPS), "first-or-nothing"),
        ),
        Fault(
            "detector-without-abs",
            "detector",
            "a detector that notices outputs which become larger, and no others",
            "An output falls from 3 to 1. What does your comparison with 1e-9 say to that difference?",
            tuple(CHANGES),
            quiet=True,
        ),
        Fault(
            "leaves-out-an-end",
            "detector",
            "a loop that leaves out the first or the last position",
            "With two tokens there is one position to change the future from. Does your loop reach it?",
            tuple(ENDS),
            quiet=True,
        ),
        Fault(
            "changes-the-past",
            "detector",
            "a detector that changes the tokens before a position, and watches the outputs from there on",
            "Outputs may move when earlier tokens do. Which tokens are the future of an output?",
            quiet=True,
        ),
        Fault(
            "answer-exchanged",
            "detector",
            "the right findings, with True and False exchanged",
            "Does your True say that it sees the future, or that it is causal? Which of the two was asked?",
            ("", "one-token"),
            quiet=True,
        ),
        Fault(
            "lets-small-changes-pass",
            "detector",
            "a comparison that lets small changes pass",
            "What is the smallest difference that your comparison notices, and how does it compare with 1e-9?",
            tuple(BOUNDS),
            quiet=True,
        ),
        Fault(
            "compares-exactly",
            "comparison",
            "a comparison without a tolerance, to which the rounding of a last digit is a leak",
            "How large are the differences that you call a change? Print the largest, and compare it with 1e-9.",
            quiet=True,
        ),
        Fault(
            "compares-one-number",
            "comparison",
            "a comparison of the first number of each output, and of no other",
            "An output has d_model numbers. Which of them does your comparison read?",
            quiet=True,
        ),
        Fault(
            "sums-differences",
            "comparison",
            "differences that are summed before their sign is taken away, so that they may cancel",
            "One number rises by 1, another falls by 1. What does your sum say?",
            quiet=True,
        ),
    ),
    shown=_shown,
    draw=_draw,
)
