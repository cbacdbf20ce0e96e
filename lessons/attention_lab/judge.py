"""The one judge there is: it compares answers with a sheet, and names the mistake.

In a learner's notebook `call` is the learner's function and the sheet is the published one. When grading, `call`
is a proxy that carries plain arrays to a jailed process, and the sheet comes from a private seed.
"""

from collections.abc import Callable
from dataclasses import replace

from attention_lab.comparison import matches, same
from attention_lab.contract import contract_problem
from attention_lab.drivers import driven
from attention_lab.given import Generator, size_of
from attention_lab.naming import name_mistakes
from attention_lab.observation import Observation, observe
from attention_lab.seen import describe_wrong
from attention_lab.sheet import Case, Sheet
from attention_lab.verdict import Verdict
from attention_lab.way_out import way_out

TRY_IT = "If that were right, what would you see, and on which small input? Try it there."

BY_HAND = "Work this example out by hand, step by step, and print what your function has after each step."
CARRIED = " (`projections` and `biases` are what the check puts into your four `nn.Linear`: `x @ weight.T + bias`.)"


def judge(sheet: Sheet, call: Callable) -> Verdict:
    """Call the function once for every case of the sheet, and judge what came back."""
    first = _asked(sheet, call, sheet.cases[0])
    if _is_stub(sheet, first):
        return Verdict(sheet.exercise, sheet.parts, f"`{sheet.exercise}` is not started yet.", started=False)
    observations = [first, *(_asked(sheet, call, case) for case in sheet.cases[1:])]
    right = [_is_right(sheet, case, seen) for case, seen in zip(sheet.cases, observations, strict=True)]
    wrong_parts = {case.part for case, ok in zip(sheet.cases, right, strict=True) if not ok}
    parts = tuple(replace(part, earned=part.name not in wrong_parts) for part in sheet.parts)
    if not wrong_parts:
        return Verdict(sheet.exercise, parts, sheet.success)
    names = name_mistakes(sheet, observations)
    case, observation = _smallest(sheet, observations, right, named=names is not None)
    seen = describe_wrong(sheet, case, observation)
    if sheet.driver == "module":
        seen = seen.replace("your function", "your module")
    if names is None:
        return Verdict(sheet.exercise, parts, seen, look_at=_without_name(sheet, case, observation))
    mistakes = [sheet.mistakes[name] for name in names]
    if len(mistakes) == 1:
        matches_text = f"This matches {mistakes[0].matches}."
    else:
        matches_text = f"This matches two things at once: (1) {mistakes[0].matches}; (2) {mistakes[1].matches}."
    look_at = " ".join(mistake.look_at for mistake in mistakes)
    return Verdict(
        sheet.exercise, parts, seen, matches_text, look_at, misconceptions=tuple(m.id for m in mistakes if not m.quiet)
    )


def _asked(sheet: Sheet, call: Callable, case: Case) -> Observation:
    """Call it as the exercise has it. One that wants to know which case it is asked about has `about`."""
    about = getattr(call, "about", None)
    return observe(driven(call if about is None else about(case), sheet.driver), case)


def _is_stub(sheet: Sheet, observation: Observation) -> bool:
    failure = observation.failure
    return failure is not None and failure.kind == "NotImplementedError" and failure.waits_for in ("", sheet.exercise)


def _is_right(sheet: Sheet, case: Case, observation: Observation) -> bool:
    if case.raises:
        return observation.failure is not None and observation.failure.is_a(case.raises)
    if observation.failure is not None or observation.changed:
        return False
    if contract_problem(sheet, case, observation.returned) is not None:
        return False
    values = observation.values(len(sheet.outputs), sheet.keeps_dtype)
    return values is not None and matches(values, case.answers[0], case.tolerance)


def _smallest(sheet, observations, right, named) -> tuple[Case, Observation]:
    """The wrong case that shows most: the first of those that may be printed and returned numbers, else a small one.

    One that changed an input comes first: that is to be told before any number.
    """

    def rank(pair):
        case, observation = pair
        size = sum(size_of(value) for value in case.arguments.values())
        failed, small = observation.failure is not None, 0 if case.shown else size
        return (not case.shown, named and failed, failed or not observation.changed, small)

    wrong = [pair for pair, ok in zip(zip(sheet.cases, observations, strict=True), right, strict=True) if not ok]
    return min(wrong, key=rank)


def _told_in_words(sheet: Sheet, case: Case, observation: Observation) -> bool:
    """Whether all that is wrong is what a driver says in words, of which no example by hand would tell more."""
    values = observation.values(len(sheet.outputs), sheet.keeps_dtype)
    pairs = zip(values, case.answers[0], strict=True)
    return all(isinstance(right, str) or matches((value,), (right,), case.tolerance) for value, right in pairs)


def _of_words(sheet: Sheet, case: Case, observation: Observation) -> str:
    """What to look at where one of the words to choose from is not the right one; nothing where it is none of them."""
    values = observation.values(len(sheet.outputs))
    if not all(any(same(value, word) for word in sheet.words) for value in values):
        return ""
    wrong = next(
        i for i, (value, right) in enumerate(zip(values, case.expected, strict=True)) if not same(value, right)
    )
    reply = next((reply for word, reply in sheet.replies.items() if same(values[wrong], word)), TRY_IT)
    return reply.replace("{name}", sheet.outputs[wrong])


def _without_name(sheet: Sheet, case: Case, observation: Observation) -> str:
    """What to look at where no mistake explains the numbers; nothing where they are not what is wrong."""
    if observation.failure is not None and not case.raises:
        return way_out(sheet, case, observation.failure)
    if observation.changed or case.raises:
        return ""
    if problem := contract_problem(sheet, case, observation.returned):
        return "Make an array of it, with `np.array(…)`." if "is a list; it should be a NumPy array" in problem else ""
    if not case.arguments:
        return _of_words(sheet, case, observation)
    if sheet.driver and _told_in_words(sheet, case, observation):
        return ""
    if case.shown and any(isinstance(value, Generator) for value in case.arguments.values()):
        return "Random draws are not for paper: call it with small sizes, and print what it has after each step."
    if case.shown:
        return BY_HAND.replace("function", "module") + CARRIED if sheet.driver == "module" else BY_HAND
    return "The small printed examples come out right, but a part counts when all of its cases do. What differs here?"
