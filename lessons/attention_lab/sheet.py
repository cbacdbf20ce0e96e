"""A sheet: everything needed to judge one exercise, as plain arrays and text, without code.

`autograder.exercises` compiles sheets from a seed; `attention_lab.judge` reads them. The published ones lie in
`attention_lab/sheets`. On disk a sheet is an .npz of two arrays: a JSON header, and one flat run of numbers
into which the header points.
"""

import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from attention_lab.given import describe, described, is_given
from attention_lab.verdict import Part

PUBLISHED = Path(__file__).parent / "sheets"


ANYTHING = -1  # what the mistake does here depends on how it is written, and tells nothing
BREAKS = -2  # the mistake raises here, or returns something that is certainly wrong


@dataclass(frozen=True)
class Case:
    """One call: its arguments, the part of the points it belongs to, and every known answer to it.

    Each answer is a tuple of outputs, arrays or texts; `answers[0]` is the right one. Only a `shown` case may be
    printed in a message: it is small, and the same in every sheet of the exercise. A random answer may be off by
    `tolerance` times its size. Where there is `again`, the function is called a second time, with these arguments
    changed, and the last entry of each answer says how the two numbers are related. The last `extras` entries of an
    answer are no outputs: dtypes, and that relation. Where the function should raise, the answer is that text alone.
    """

    name: str
    part: str
    arguments: dict
    keywords: tuple[str, ...]
    shown: bool
    answers: tuple[tuple, ...]
    tolerance: float = 0.0
    again: dict | None = None
    extras: int = 0

    @property
    def expected(self) -> tuple:
        """What the function should return."""
        return self.answers[0] if self.raises else self.answers[0][: len(self.answers[0]) - self.extras]

    @property
    def raises(self) -> str:
        """The exception that the function should raise here, or ""."""
        first = self.answers[0][0]
        return first.removeprefix("raises ") if isinstance(first, str) and first.startswith("raises ") else ""


@dataclass(frozen=True)
class Mistake:
    """A mistake with a name: what the numbers match, and a question that leads out of it.

    A quiet one is put into words like the others, but not counted by its name.
    """

    id: str
    matches: str
    look_at: str
    quiet: bool = False


@dataclass(frozen=True)
class Explanation:
    """One mistake, or two at once: for every case which of its answers they give (or ANYTHING, or BREAKS).

    changes: the names of inputs that they change, sorted.
    """

    misconceptions: tuple[str, ...]
    changes: tuple[str, ...]
    choices: tuple[int, ...]


@dataclass(frozen=True)
class Sheet:
    """An exercise, compiled: cases with right answers, and explanations of wrong ones.

    `outputs` names what the function returns; `sums` says which of them sum to one, and along which axis
    (a number, or the name of the argument that holds it); `words` are those that an answer in words is chosen from, and
    `replies` holds what to look at where one of them is the first wrong one.
    `driver` names how it is called (attention_lab.drivers), `library` what arrays it returns (numpy or torch); with
    `keeps_dtype` outputs have the dtype of the inputs.
    """

    exercise: str
    outputs: tuple[str, ...]
    sums: dict[str, int | str]
    parts: tuple[Part, ...]
    success: str
    mistakes: dict[str, Mistake]
    cases: tuple[Case, ...]
    explanations: tuple[Explanation, ...]
    driver: str = ""
    library: str = "numpy"
    keeps_dtype: bool = False
    words: tuple[str, ...] = ()
    replies: dict[str, str] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the sheet; the same sheet gives the same bytes."""
        Path(path).write_bytes(self.as_bytes())

    def as_bytes(self) -> bytes:
        """The sheet as `load_sheet` reads it."""
        numbers = _Numbers()
        text = json.dumps(_describe(self, numbers), ensure_ascii=False, separators=(",", ":"))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, header=np.frombuffer(text.encode(), np.uint8), numbers=numbers.flat())
        return buffer.getvalue()

    def agrees_with(self, other: "Sheet") -> bool:
        """Whether both judge alike: equal but for the last bits of floating-point numbers."""
        mine, theirs = _Numbers(share=False), _Numbers(share=False)
        return _describe(self, mine) == _describe(other, theirs) and np.allclose(
            mine.flat(), theirs.flat(), rtol=1e-6, atol=1e-9, equal_nan=True
        )


def _describe(sheet: Sheet, numbers: "_Numbers") -> dict:
    """The sheet as JSON, its arrays put into `numbers`."""
    return {
        "exercise": sheet.exercise,
        "outputs": list(sheet.outputs),
        "sums": sheet.sums,
        "parts": [[part.name, part.points] for part in sheet.parts],
        "success": sheet.success,
        "driver": sheet.driver,
        "library": sheet.library,
        "keeps_dtype": sheet.keeps_dtype,
        **({"words": list(sheet.words)} if sheet.words else {}),
        **({"replies": sheet.replies} if sheet.replies else {}),
        "mistakes": [asdict(mistake) for mistake in sheet.mistakes.values()],
        "cases": [
            {
                "name": case.name,
                "part": case.part,
                "arguments": {name: numbers.put(value) for name, value in case.arguments.items()},
                "keywords": list(case.keywords),
                "shown": case.shown,
                "answers": [[numbers.put(value) for value in answer] for answer in case.answers],
                **({"tolerance": case.tolerance} if case.tolerance else {}),
                **({"extras": case.extras} if case.extras else {}),
                **({} if case.again is None else {"again": {k: numbers.put(v) for k, v in case.again.items()}}),
            }
            for case in sheet.cases
        ],
        "explanations": [
            [list(explanation.misconceptions), list(explanation.changes), list(explanation.choices)]
            for explanation in sheet.explanations
        ],
    }


def load_sheet(path: Path | BinaryIO) -> Sheet:
    """Read a sheet that `Sheet.save` wrote. Nothing in the file is executed."""
    with np.load(path, allow_pickle=False) as file:
        header, numbers = json.loads(file["header"].tobytes()), file["numbers"]
    return Sheet(
        exercise=header["exercise"],
        outputs=tuple(header["outputs"]),
        sums=header["sums"],
        parts=tuple(Part(name, points) for name, points in header["parts"]),
        success=header["success"],
        mistakes={entry["id"]: Mistake(**entry) for entry in header["mistakes"]},
        cases=tuple(
            Case(
                name=case["name"],
                part=case["part"],
                arguments={name: _take(value, numbers) for name, value in case["arguments"].items()},
                keywords=tuple(case["keywords"]),
                shown=case["shown"],
                answers=tuple(tuple(_take(value, numbers) for value in answer) for answer in case["answers"]),
                tolerance=case.get("tolerance", 0.0),
                again={k: _take(v, numbers) for k, v in case["again"].items()} if "again" in case else None,
                extras=case.get("extras", 0),
            )
            for case in header["cases"]
        ),
        explanations=tuple(
            Explanation(tuple(names), tuple(changes), tuple(choices))
            for names, changes, choices in header["explanations"]
        ),
        driver=header["driver"],
        library=header["library"],
        keeps_dtype=header["keeps_dtype"],
        words=tuple(header.get("words", ())),
        replies=header.get("replies", {}),
    )


class _Numbers:
    """One flat run of float64, in which equal arrays are kept once if `share`."""

    def __init__(self, share: bool = True):
        self._share, self._chunks, self._places, self._length = share, [], {}, 0

    def put(self, value):
        """An array becomes {dtype, shape, at}, what is given its description; a number or text stays as it is."""
        if is_given(value):
            return {name: self.put(field) for name, field in describe(value).items()}
        if not isinstance(value, np.ndarray):
            return value
        if value.dtype.kind not in "fiub":
            raise TypeError(f"a sheet holds numbers and booleans, not {value.dtype}")
        chunk = np.ascontiguousarray(value, dtype=np.float64).ravel()
        key = chunk.tobytes()
        at = self._places.get(key) if self._share else None
        if at is None:
            at = self._places[key] = self._length
            self._chunks.append(chunk)
            self._length += chunk.size
        return {"dtype": value.dtype.name, "shape": list(value.shape), "at": at}

    def flat(self):
        return np.concatenate(self._chunks) if self._chunks else np.zeros(0)


def _take(value, numbers):
    if not isinstance(value, dict):
        return value
    if "given" in value:
        return described({name: _take(field, numbers) for name, field in value.items()})
    size = int(np.prod(value["shape"]))
    flat = numbers[value["at"] : value["at"] + size]
    return flat.astype(value["dtype"]).reshape(value["shape"])
