"""Find the mistake that explains every answer a function gave, or none."""

from attention_lab.comparison import as_values, matches, raised
from attention_lab.observation import Observation
from attention_lab.sheet import ANYTHING, BREAKS, Case, Explanation, Sheet


def name_mistakes(sheet: Sheet, observations: list[Observation]) -> tuple[str, ...] | None:
    """The misconceptions of the one explanation that fits all observations, else None.

    One mistake is preferred to two. Where two explanations with different names fit equally well, none is named:
    a wrong name is worse than no name.
    """
    given = [
        _answers_given(case, observation, len(sheet.outputs))
        for case, observation in zip(sheet.cases, observations, strict=True)
    ]
    changes_input = any(observation.changed for observation in observations)
    fitting = {
        explanation.misconceptions
        for explanation in sheet.explanations
        if explanation.changes_input == changes_input and _fits(explanation, given)
    }
    fewest = min((len(names) for names in fitting), default=0)
    candidates = [names for names in fitting if len(names) == fewest]
    return candidates[0] if len(candidates) == 1 else None


def _answers_given(case: Case, observation: Observation, count: int) -> set[int]:
    """Which of the known answers this is, as their indices; BREAKS where it is not the right one."""
    if observation.failure:
        values = (raised(observation.failure.kind),)
    else:
        values = as_values(observation.returned, count)
    given = {ANYTHING}
    if values is not None:
        given.update(index for index, answer in enumerate(case.answers) if matches(values, answer))
    return given if 0 in given else given | {BREAKS}


def _fits(explanation: Explanation, given: list[set[int]]) -> bool:
    return all(choice in answers for choice, answers in zip(explanation.choices, given, strict=True))
