"""What judging an answer gives: points, whether it passed, and one message.

A message has up to three parts, always in this order: what was *seen*, what it *matches*, what to *look at*.
Messages use two marks of Markdown, `code` and **bold**; `attention_lab.feedback` renders them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A declared share of an exercise's points, earned when every case that belongs to it is right."""

    name: str
    points: float
    earned: bool = False


@dataclass(frozen=True)
class Verdict:
    """The judgement on one function: the same for the same function, on any machine."""

    exercise: str
    parts: tuple[Part, ...]
    seen: str
    matches: str = ""
    look_at: str = ""
    misconceptions: tuple[str, ...] = ()
    started: bool = True

    @property
    def points(self) -> float:
        return float(sum(part.points for part in self.parts if part.earned))

    @property
    def max_points(self) -> float:
        return float(sum(part.points for part in self.parts))

    @property
    def passed(self) -> bool:
        return all(part.earned for part in self.parts)

    @property
    def message(self) -> str:
        """Seen → matches → look at, in one text."""
        return "\n".join(text for text in (self.seen, self.matches, self.look_at) if text)
