"""Find the mistake that explains every answer a function gave, or none."""

from attention_lab.comparison import RAISES, TOLD_BY_TEXT, matches
from attention_lab.observation import Observation
from attention_lab.sheet import ANYTHING, BREAKS, Case, Sheet


def name_mistakes(sheet: Sheet, observations: list[Observation]) -> tuple[str, ...] | None:
    """The misconceptions of the one explanation that fits all observations, else None.

    One mistake is preferred to two. Where two explanations with different names fit equally well, none is named:
    a wrong name is worse than no name. A function that does nothing but stop gets none, whatever would stop it too.
    """
    if all(observation.failure is not None and not _is_told(observation) for observation in observations):
        return None
    changes = tuple(sorted({name for observation in observations for name in observation.changed}))
    fitting = [explanation for explanation in sheet.explanations if explanation.changes == changes]
    for index, (case, observation) in enumerate(zip(sheet.cases, observations, strict=True)):
        possible = {explanation.choices[index] for explanation in fitting}
        given = _answers_given(sheet, case, observation, possible)
        fitting = [explanation for explanation in fitting if explanation.choices[index] in given]
    fitting = {explanation.misconceptions for explanation in fitting}
    fewest = min((len(names) for names in fitting), default=0)
    candidates = [names for names in fitting if len(names) == fewest]
    return candidates[0] if len(candidates) == 1 else None


def _answers_given(sheet: Sheet, case: Case, observation: Observation, possible: set[int]) -> set[int]:
    """Which of the `possible` answers this is, as their indices; BREAKS where it is not the right one."""
    if observation.failure is not None:
        right = bool(case.raises) and observation.failure.is_a(case.raises)
        found = observation.raised() if right or _is_told(observation) else (*observation.raised(), (RAISES,))
    else:
        values = observation.values(len(sheet.outputs), sheet.keeps_dtype)
        if values is None:
            return {ANYTHING, BREAKS}
        found = (values,)
        right = matches(values, case.answers[0], case.tolerance)
    given = {
        index
        for index in possible
        if index >= 0 and any(matches(values, case.answers[index], case.tolerance) for values in found)
    }
    return given | ({ANYTHING} if right or _is_told(observation) else {ANYTHING, BREAKS})


def _is_told(observation: Observation) -> bool:
    """Whether it raised what only a certain mistake raises."""
    return observation.failure is not None and observation.failure.kind == TOLD_BY_TEXT
