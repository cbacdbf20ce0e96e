"""What `predict` and `reveal` show on a page, where nobody can type a guess: the question, and the truth, folded.

A kernel that runs a lesson for the site calls `begin`; the lesson then imports these two in place of the usual ones.
"""

import os
from dataclasses import dataclass
from html import escape

import attention_lab
from attention_lab.explorer import ON_A_PAGE
from attention_lab.feedback import STYLE, marked
from attention_lab.predict import predict
from attention_lab.prediction import BLUE, Prediction, is_number, spelled, value_range


@dataclass(frozen=True)
class Question:
    """A question to think about before the next output is opened."""

    prediction: Prediction

    def _answers(self) -> str:
        asked = self.prediction
        if asked.choices:
            return "Choose one of: " + ", ".join(map(spelled, asked.choices)) + "."
        span = value_range(asked.low, asked.high)
        return f"A number {span}." if span else ""

    def __repr__(self):
        return "\n".join(filter(None, [f"Predict: {self.prediction.question}", self._answers()]))

    def _repr_html_(self):
        answers = f"<br>{escape(self._answers())}" if self._answers() else ""
        style = STYLE.format(colour=BLUE)
        question = marked(self.prediction.question)
        return f'<div role="group" aria-label="Predict" style="{style}"><strong>{question}</strong>{answers}</div>'


@dataclass(frozen=True)
class Truth:
    """What was measured, folded under the question it answers."""

    question: Question
    truth: object
    unit: str = ""
    note: str = ""

    def _answer(self) -> str:
        return " ".join(filter(None, [spelled(self.truth), self.unit]))

    def __repr__(self):
        return "\n".join(filter(None, [f"{self.question.prediction.question} {self._answer()}", self.note]))

    def _repr_html_(self):
        name, what = ("Measured", "what was measured") if is_number(self.truth) else ("Answer", "the answer")
        note = f"<br>{marked(self.note)}" if self.note else ""
        style = STYLE.format(colour=BLUE)
        return (
            f'<details class="guess-first" style="{style}"><summary>Guess first, then open {what}</summary>'
            f"<p>{name}: <strong>{escape(self._answer())}</strong>{note}</p></details>"
        )


def begin() -> None:
    """Makes the kernel that calls this one whose outputs become a page."""
    os.environ[ON_A_PAGE] = "page"
    attention_lab.predict = lambda *arguments, **named: Question(predict(*arguments, **named))
    attention_lab.reveal = _reveal


def _reveal(question, truth, unit="", note=""):
    return Truth(question, truth.item() if hasattr(truth, "item") else truth, unit, note)
