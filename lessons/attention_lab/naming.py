"""Find the mistake that explains every answer a function gave, or none."""

from attention_lab.comparison import RAISES, matches
from attention_lab.observation import Observation
from attention_lab.sheet import ANYTHING, BREAKS, Case, Sheet


def name_mistakes(sheet: Sheet, observations: list[Observation]) -> tuple[str, ...] | None:
    """The misconceptions of the one explanation that fits all observations, else None.

    One mistake is preferred to two. Where two explanations with different names fit equally well, none is named:
    a wrong name is worse than no name.
    """
    changes_input = any(observation.changed for observation in observations)
    fitting = [explanation for explanation in sheet.explanations if explanation.changes_input == changes_input]
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
        found = (*observation.raised(), (RAISES,))
        right = bool(case.raises) and observation.failure.is_a(case.raises)
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
    return given | ({ANYTHING} if right else {ANYTHING, BREAKS})
