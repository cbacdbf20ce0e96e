"""An attack: what it tries, and the file that its learner hands in."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

# Worth nothing on any sheet, so that a point can only come from the attack itself.
WORTHLESS = "def softmax(scores, axis=-1):\n    return scores"
RIGHT = """\
def softmax(scores, axis=-1):
    e = np.exp(scores - np.amax(scores, axis, keepdims=True))
    return e / np.sum(e, axis, keepdims=True)"""
RIGHT_EARNS = {"softmax": 4.0}


@dataclass(frozen=True)
class Secrets:
    """Where everything worth stealing lies. An attacker is told all of it: only the jail may be in the way.

    `mark` is a word of this attack's own. It is in the name of every file and process that the attack makes, and
    in whatever it sends or shows, so that what gets out can be traced to it.
    """

    mark: str
    project: str
    site_packages: str
    classroom: str
    private_seed: str
    gradebook: str
    neighbour: str
    home_file: str
    grader: int
    port: int
    socket: str
    abstract_socket: str


@dataclass(frozen=True)
class Attack:
    """One hostile submission.

    `make` turns the released notebook into the bytes of the file handed in. `earns` is what its answers are worth by
    themselves; all else must be 0. Where not `judged`, the learner must be told why there was nothing to judge.
    `place` puts something else than a plain file where the notebook belongs.
    """

    id: str
    family: str
    aim: str
    make: Callable[[NotebookNode, Secrets], bytes]
    earns: dict[str, float] = field(default_factory=dict)
    judged: bool = True
    place: Callable[[Path, Secrets], None] | None = None


def code(
    id: str,
    family: str,
    aim: str,
    *,
    first: str = "",
    last: str = "",
    answers: dict[str, str] | None = None,
    earns: dict[str, float] | None = None,
    judged: bool = True,
) -> Attack:
    """An attack by code alone: `first` and `last` are cells of its own, `answers` fill solution cells.

    The code may use KNOWN, the Secrets as a dictionary. Without `answers`, softmax is answered worthlessly.
    """

    def make(pristine: NotebookNode, secrets: Secrets) -> bytes:
        notebook = answered(pristine, {"softmax": WORTHLESS} if answers is None else answers)
        known = nbformat.v4.new_code_cell(f"KNOWN = {asdict(secrets)!r}\nimport numpy as np\n{first}")
        notebook.cells.insert(0, known)
        if last:
            notebook.cells.append(nbformat.v4.new_code_cell(last))
        return as_bytes(notebook)

    return Attack(id, family, aim, make, earns or {}, judged)


def edited(
    id: str,
    family: str,
    aim: str,
    edit: Callable[[NotebookNode], None],
    *,
    answers: dict[str, str] | None = None,
    earns: dict[str, float] | None = None,
    judged: bool = True,
) -> Attack:
    """An attack by the notebook's structure: `edit` changes it in place."""

    def make(pristine: NotebookNode, secrets: Secrets) -> bytes:
        notebook = answered(pristine, {"softmax": WORTHLESS} if answers is None else answers)
        edit(notebook)
        return as_bytes(notebook)

    return Attack(id, family, aim, make, earns or {}, judged)


def answered(pristine: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """A copy of the notebook with these solution cells filled in."""
    notebook = deepcopy(pristine)
    for name, source in answers.items():
        solution(notebook, name).source = source
    return notebook


def solution(notebook: NotebookNode, name: str) -> NotebookNode:
    """The cell with this grade_id: "softmax" is a solution cell, "check-softmax" its grade cell."""
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def as_bytes(notebook: NotebookNode) -> bytes:
    """The file as it stands, whether or not it is a valid notebook."""
    return json.dumps(notebook).encode()
