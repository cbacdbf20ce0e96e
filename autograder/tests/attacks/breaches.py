"""What an attack achieved, in sentences: points, secrets, changes, scripts, time, silence. None is as it should be."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.tests.attacks.attack import Attack
from autograder.tests.attacks.grader import Outcome
from autograder.tests.attacks.world import World

# What the attacks on hidden inputs write: numbers behind a word, or sizes behind a size.
HIDDEN_INPUT = re.compile(r"hidden \[+ ?-?\d|\(0, 7777(, \d+){8}")
REACHED = re.compile(r"reached: \w+")  # attacks say so themselves where nothing can be planted on the other side
MOST_MESSAGE = 4_000  # characters
RUNS = {"script", "style", "iframe", "object", "embed", "link", "meta", "base", "form", "svg", "math"}
LOADS = {
    "href",
    "src",
    "srcdoc",
    "srcset",
    "action",
    "formaction",
    "data",
    "style",
    "background",
    "poster",
    "xlink:href",
}


def breaches(
    attack: Attack, outcome: Outcome, pristine: NotebookNode, world: World, most_seconds: float
) -> Iterator[str]:
    """Everything that the submission gained, learned or left in what grading gave back."""
    if outcome.died:
        yield f"no grade: {outcome.died}"
        return
    for defect in outcome.defects:
        yield f"grading itself failed: {defect.strip().splitlines()[-1]}"
    yield from _points(attack, outcome, pristine)
    shown = "\n".join([outcome.notebook, outcome.page, *outcome.remarks, *_messages(outcome)])
    for place, canary in world.canaries.items():
        if canary in shown and canary not in outcome.submitted:
            yield f"a secret was read: {place}"
    if HIDDEN_INPUT.search(shown):
        yield "a hidden input is shown"
    yield from sorted(set(REACHED.findall(outcome.notebook)))
    quoted = "your function stopped with `"  # what a learner's exception says may be said, as its words
    if any("FORGED" in text for text in [*outcome.remarks, *(m for m in _messages(outcome) if quoted not in m)]):
        yield "the grader says what it was told to say"
    yield from (f"in the page: {item}" for item in active_markup(outcome.page))
    if outcome.seconds > most_seconds:
        yield f"it took {outcome.seconds:.0f} seconds"
    for message in _messages(outcome):
        if not 0 < len(message) <= MOST_MESSAGE:
            yield f"a message of {len(message)} characters"
    told = [*outcome.remarks, *(text for text in _messages(outcome) if "not started yet" not in text)]
    if not attack.judged and not told:
        yield "nothing says why it could not be judged"


def _messages(outcome: Outcome) -> list[str]:
    return [verdict.message for verdict in outcome.verdicts.values()]


def _points(attack: Attack, outcome: Outcome, pristine: NotebookNode) -> Iterator[str]:
    cells = {_grade_id(cell): cell for cell in nbformat.reads(outcome.notebook, as_version=4).cells if _is_graded(cell)}
    wanted = {_grade_id(cell): cell for cell in pristine.cells if _is_graded(cell)}
    if cells.keys() != wanted.keys():
        yield f"the graded cells are {sorted(cells)}"
    for name, verdict in outcome.verdicts.items():
        fair = attack.earns.get(name, 0.0)
        if verdict.points != fair:
            yield f"{name} earned {verdict.points:g}, and is worth {fair:g}"
        cell = cells.get(f"check-{name}", {})
        written = [output.get("data", {}).get("text/plain") for output in cell.get("outputs", [])]
        if written != [str(verdict.points)]:
            yield f"the grade cell of {name} holds {written}"
        if cell.get("metadata", {}).get("nbgrader") != wanted[f"check-{name}"].metadata["nbgrader"]:
            yield f"the grade cell of {name} was changed"


def _is_graded(cell) -> bool:
    return cell["metadata"].get("nbgrader", {}).get("grade", False)


def _grade_id(cell) -> str:
    return cell["metadata"]["nbgrader"]["grade_id"]


def active_markup(page: str) -> list[str]:
    """Where a browser would run, load or follow something that says OWNED."""
    parser = _Active()
    parser.feed(page)
    parser.close()
    return parser.found


class _Active(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found, self._open = [], []

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "style"):
            self._open.append(tag)
        for name, value in attributes:
            acts = name.startswith("on") or name in LOADS or tag in RUNS
            if acts and "OWNED" in (value or ""):
                self.found.append(f"<{tag} {name}={value[:60]!r}>")

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, text):
        if self._open and "OWNED" in text:
            self.found.append(f"<{self._open[-1]}> {text[:60]!r}")
