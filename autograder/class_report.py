"""What there is to learn from a class's results: where it fails, which mistakes were made, and which of them together.

Everything here counts learners; who they are is told only where a page is asked for with names.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

from attention_lab.verdict import Verdict

from autograder.class_results import Exercise, LessonResults, Result

_QUOTES = re.compile("stopped with|“")  # what follows may be a line of the learner's code, or a word of theirs
_TWO = re.compile(r"This matches two things at once: \(1\) (.*); \(2\) (.*)\.", re.DOTALL)


@dataclass(frozen=True)
class Mistake:
    """A mistake with a name in one exercise: who made it, of how many, and the message that `seen_by` of them saw."""

    lesson: str
    exercise: str
    id: str
    learners: tuple[str, ...]
    of: int
    label: str
    message: str
    seen_by: int


@dataclass(frozen=True)
class Unnamed:
    """Answers that failed without a name: `message` is one that at least two learners saw, or nothing.

    What only one learner saw could be in words of their own, and a page without names is shown to a class.
    """

    kind: str
    learners: tuple[str, ...]
    message: str = ""


@dataclass(frozen=True)
class Together:
    """Two mistakes that the same learners made. `chance` is that of so many or more, were the two unrelated."""

    ids: tuple[str, str]
    labels: tuple[str, str]
    exercises: tuple[tuple[str, ...], tuple[str, ...]]
    counts: tuple[int, int]
    learners: tuple[str, ...]
    chance: float


def failed_exercises(lessons: Iterable[LessonResults]) -> list[tuple[LessonResults, Exercise]]:
    """The exercises that fewer than half of the class passed, the worst first."""
    failed = [
        (lesson, exercise)
        for lesson in lessons
        for exercise in lesson.exercises
        if exercise.results and 2 * exercise.passed < len(exercise.results)
    ]
    return sorted(failed, key=lambda found: (found[1].share, found[1].passed / len(found[1].results)))


def mistakes_in(lesson: LessonResults, exercise: Exercise, with_names: bool = False) -> list[Mistake]:
    """The mistakes that were named, the most frequent first; without names, no words of one learner alone."""
    made: dict[str, list[Result]] = {}
    for result in exercise.results:
        for name in dict.fromkeys(result.misconceptions):
            made.setdefault(name, []).append(result)
    found = []
    for name, results in made.items():
        verdict, seen_by = _most_seen([result for result in results if result.misconceptions == (name,)] or results)
        if seen_by == 1 and not with_names and _QUOTES.search(verdict.seen):
            verdict = replace(verdict, seen="")
        learners = tuple(result.learner for result in results)
        told = _label(name, results), verdict.message, seen_by
        found.append(Mistake(lesson.name, exercise.name, name, learners, len(exercise.results), *told))
    return sorted(found, key=lambda mistake: (-len(mistake.learners), mistake.id))


def unnamed_in(exercise: Exercise, with_names: bool = False) -> list[Unnamed]:
    """The failures without a name by kind, the most frequent first; with names, also messages that one learner saw."""
    kinds: dict[str, list[Result]] = {}
    for result in exercise.results:
        if result.kind:
            kinds.setdefault(result.kind, []).append(result)
    found = []
    for kind, results in kinds.items():
        verdict, seen_by = _most_seen(results)
        told = verdict.message if kind != "not started" and (with_names or seen_by > 1) else ""
        found.append(Unnamed(kind, tuple(result.learner for result in results), told))
    return sorted(found, key=lambda group: (-len(group.learners), group.kind))


def most_frequent(lesson: LessonResults, exercise: Exercise) -> tuple[str, int]:
    """What went wrong most often in an exercise, with a name or without, and how often."""
    found = [(mistake.label, len(mistake.learners)) for mistake in mistakes_in(lesson, exercise)]
    found += [(group.kind, len(group.learners)) for group in unnamed_in(exercise)]
    return max(found, key=lambda item: item[1], default=("", 0))


def made_together(lessons: Sequence[LessonResults]) -> list[Together]:
    """Pairs of mistakes that two learners or more made both, the surest first.

    Of all pairs that could have met twice, those whose meeting is so rare by chance that fewer than one such pair is to
    be expected where mistakes have nothing to do with each other.
    """
    made: dict[str, list[Mistake]] = {}
    for lesson in lessons:
        for exercise in lesson.exercises:
            for mistake in mistakes_in(lesson, exercise):
                made.setdefault(mistake.id, []).append(mistake)
    who = {name: {learner for mistake in found for learner in mistake.learners} for name, found in made.items()}
    everyone = len({handed.learner for lesson in lessons for handed in lesson.handed})
    pairs = list(combinations(sorted(name for name, learners in who.items() if len(learners) > 1), 2))
    found = []
    for ids in pairs:
        both, counts = who[ids[0]] & who[ids[1]], tuple(len(who[name]) for name in ids)
        chance = chance_of(len(both), *counts, everyone)
        if len(both) > 1 and chance * len(pairs) <= 1 and chance < 1:
            labels = tuple(made[name][0].label for name in ids)
            exercises = tuple(tuple(mistake.exercise for mistake in made[name]) for name in ids)
            found.append(Together(ids, labels, exercises, counts, tuple(sorted(both)), chance))
    return sorted(found, key=lambda pair: (pair.chance, -len(pair.learners), pair.ids))


def chance_of(both: int, first: int, second: int, everyone: int) -> float:
    """P(at least `both` of `first` are among the `second`), drawn at random from `everyone` (hypergeometric)."""
    ways = sum(comb(first, k) * comb(everyone - first, second - k) for k in range(both, min(first, second) + 1))
    return ways / comb(everyone, second)


def _label(name: str, results: Sequence[Result]) -> str:
    """What a mistake is, in the words of a message that speaks of it, alone or as one of two; its id without one."""
    for result in sorted(results, key=lambda result: len(result.misconceptions)):
        text, place = result.verdict.matches, result.misconceptions.index(name)
        two = _TWO.fullmatch(text)
        if two and len(result.misconceptions) == 2:
            return two[place + 1]
        if text and not two:
            return text.removeprefix("This matches ").removesuffix(".")
    return name


def _most_seen(results: Sequence[Result]) -> tuple[Verdict, int]:
    """A verdict with the message that most learners saw, and how many did; of equals the first in the alphabet."""
    verdicts = [result.verdict for result in results]
    seen_by = Counter(verdict.message for verdict in verdicts)
    chosen = min(verdicts, key=lambda verdict: (-seen_by[verdict.message], verdict.message))
    return chosen, seen_by[chosen.message]
