"""How a guess looks: a question with its guess, and the guess beside the truth."""

from dataclasses import dataclass
from html import escape
from numbers import Real

from attention_lab.feedback import STYLE, marked
from attention_lab.wording import number

INVITATION = "Put your guess in place of None and run this cell: a wrong guess teaches more than none."
FIRST = "Guess first. Put your guess in the cell above, run that cell, then this one."
FAINT = "color: var(--jp-ui-font-color2, inherit)"
BLUE = "#1f5f99"


@dataclass(frozen=True)
class Prediction:
    """A question and a learner's guess; `problem` says what keeps the guess from being used, if anything."""

    question: str
    guess: object = None
    choices: tuple | None = None
    low: float | None = None
    high: float | None = None
    problem: str = ""

    @property
    def made(self):
        """Whether there is a guess that can be set beside the truth."""
        return self.guess is not None and not self.problem

    def _said(self):
        if self.problem:
            return self.problem
        return f"Your guess: {spelled(self.guess)}." if self.made else INVITATION

    def _hint(self):
        if self.made:
            return ""
        if self.choices:
            return "Choose one of: " + ", ".join(as_written(choice) for choice in self.choices) + "."
        return f"A number {value_range(self.low, self.high)}." if value_range(self.low, self.high) else ""

    def __repr__(self):
        return "\n".join(filter(None, [f"Predict: {self.question}", self._said(), self._hint()]))

    def _repr_html_(self):
        inside = f"<strong>{marked(self.question)}</strong><br>{escape(self._said())}"
        if self._hint():
            inside += f'<br><span style="{FAINT}">{escape(self._hint())}</span>'
        return _card("Predict", inside)


@dataclass(frozen=True)
class Revelation:
    """A guess beside the truth, with a sentence on how far apart they are."""

    prediction: Prediction | None
    truth: object = None
    unit: str = ""
    sentence: str = FIRST
    note: str = ""

    @property
    def shown(self):
        """Whether the truth is shown: not before there is a guess."""
        return self.prediction is not None and self.prediction.made

    def _rows(self):
        unit = f" {self.unit}" if self.unit else ""
        return [
            ("your guess", f"{spelled(self.prediction.guess)}{unit}"),
            ("answer", f"{spelled(self.truth)}{unit}"),
        ]

    def _why_not(self):
        return self.prediction.problem if self.prediction is not None else ""

    def __repr__(self):
        if not self.shown:
            return "\n".join(filter(None, [self._why_not(), self.sentence]))
        lines = [f"{name:>10}: {value}" for name, value in self._rows()]
        return "\n".join(filter(None, [self.prediction.question, *lines, self.sentence, self.note]))

    def _repr_html_(self):
        if not self.shown:
            return _card("No guess yet", escape(" ".join(filter(None, [self._why_not(), self.sentence]))))
        rows = ""
        for (name, value), share in zip(self._rows(), self._shares(), strict=True):
            rows += (
                '<tr style="background: none"><th scope="row" style="text-align: left; font-weight: normal; '
                f'padding: 0.1em 1em 0.1em 0">{name}</th><td style="text-align: left; padding: 0.1em 1em 0.1em 0">'
                f"<strong>{escape(value)}</strong></td>{_bar(share, name)}</tr>"
            )
        table = f'<table style="border: none; margin: 0.3em 0; font-size: inherit">{rows}</table>'
        inside = f"{marked(self.prediction.question)}{table}{escape(self.sentence)}"
        if self.note:
            inside += f'<br><span style="{FAINT}">{marked(self.note)}</span>'
        return _card("Your guess, and the truth", inside)

    def _shares(self):
        """How long the two bars are, from 0 to 1; none for words and where a number is negative."""
        guess, truth = self.prediction.guess, self.truth
        if not is_number(guess) or not is_number(truth) or min(guess, truth) < 0:
            return None, None
        longest = max(guess, truth, self.prediction.high or 0) or 1
        return guess / longest, truth / longest


def value_range(low, high):
    if low is not None and high is not None:
        return f"from {number(low)} to {number(high)}"
    if low is not None:
        return f"of {number(low)} or more"
    return f"of {number(high)} or less" if high is not None else ""


def is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def spelled(value):
    return number(value) if is_number(value) else str(value)


def as_written(choice):
    """A choice as it is typed into a cell: a text in quotes."""
    return f'"{choice}"' if isinstance(choice, str) else spelled(choice)


def _card(label, inside):
    return f'<div role="group" aria-label="{escape(label)}" style="{STYLE.format(colour=BLUE)}">{inside}</div>'


def _bar(share, name):
    """A bar that says the same as the number beside it: outlined for a guess, filled for the truth."""
    if share is None:
        return ""
    filled = "none" if name == "your guess" else "currentColor"
    bar = f"width: {12 * share:.2f}em; height: 0.7em; border: 1.5px solid currentColor; background: {filled}"
    return f'<td aria-hidden="true" style="padding: 0; text-align: left"><div style="{bar}"></div></td>'
