"""Grading one submission as a task that any machine can do: bytes and JSON in, JSON out, and a key that names it.

The key is made of everything a grade depends on: the submitted bytes, the pristine notebook, the sheets, the limits,
this project's own code and the versions of what it runs on. Equal keys mean equal grades.
"""

import dataclasses
import functools
import hashlib
import io
import json
import platform
import threading
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import attention_lab
import nbformat
from attention_lab.sheet import Sheet, load_sheet
from nbformat.notebooknode import NotebookNode

from autograder.grading import grade_notebook, nothing_to_judge
from autograder.handed_in import HandedIn
from autograder.jail import Limits
from autograder.session import prepare_sessions

PACKAGES = ("numpy", "torch", "matplotlib", "ipython", "nbformat", "nh3")  # an answer may depend on them


@dataclasses.dataclass(frozen=True)
class HandedOut:
    """What all submissions of one notebook share, ready to travel: the notebook as handed out, sheets and limits."""

    pristine: str
    sheets: Mapping[str, bytes]
    limits: str
    unsafe: bool

    @functools.cached_property
    def key(self) -> str:
        limits = {name: limit for name, limit in json.loads(self.limits).items() if name != "warm"}
        parts = [self.pristine, json.dumps(limits), str(self.unsafe), environment()]
        hashed = hashlib.sha256("\0".join(parts).encode())
        for name, sheet in sorted(self.sheets.items()):
            hashed.update(name.encode() + hashlib.sha256(sheet).digest())
        return hashed.hexdigest()


@dataclasses.dataclass(frozen=True)
class GradedSubmission:
    """What grading gave back: the notebook as JSON, sentences about the whole, tracebacks of our own code."""

    notebook: str
    remarks: tuple[str, ...]
    defects: tuple[str, ...]

    def as_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "GradedSubmission":
        fields = json.loads(text)
        return cls(fields["notebook"], tuple(fields["remarks"]), tuple(fields["defects"]))

    def read(self) -> NotebookNode:
        return nbformat.v4.reads_json(self.notebook)


def handed_out(pristine: NotebookNode, sheets: Mapping[str, bytes], limits: Limits, unsafe: bool) -> HandedOut:
    """A lesson as its submissions are graded; the sheets as `load_sheet` reads them."""
    return HandedOut(
        nbformat.writes(pristine, version=nbformat.NO_CONVERT),
        dict(sheets),
        json.dumps(dataclasses.asdict(limits), sort_keys=True),
        unsafe,
    )


def prepare(shared: HandedOut) -> None:
    """Called once in each process that is about to grade: it begins to load what its first submission needs."""
    if json.loads(shared.limits)["warm"] and not shared.unsafe:
        prepare_sessions()


def prepare_meanwhile(shared: HandedOut) -> None:
    """The same, for a process that has other things to do until then."""
    threading.Thread(target=prepare, args=[shared], name="loading ahead", daemon=True).start()


def key_of(shared: HandedOut, handed_in: HandedIn) -> str:
    """The name of this grade: what it depends on, hashed."""
    hashed = hashlib.sha256(shared.key.encode() + handed_in.problem.encode() + b"\0" + handed_in.raw)
    return hashed.hexdigest()


def grade(shared: HandedOut, handed_in: HandedIn) -> str:
    """The graded submission as JSON. Nothing a submission does raises here."""
    pristine, sheets, limits = opened(shared)
    if handed_in.problem:
        graded = nothing_to_judge(pristine, sheets, handed_in.problem, unsafe=shared.unsafe)
    else:
        graded = grade_notebook(handed_in.raw, pristine, sheets, limits, unsafe=shared.unsafe)
    notebook = json.dumps(graded.notebook)  # quick to write and to read; the file for people is written by nbgrader
    return GradedSubmission(notebook, tuple(graded.remarks), tuple(graded.defects)).as_json()


_OPENED: dict[str, tuple] = {}


def opened(shared: HandedOut) -> tuple[NotebookNode, dict[str, Sheet], Limits]:
    """The lesson's notebook, sheets and limits, read once in each process."""
    if shared.key not in _OPENED:
        _OPENED.clear()
        sheets = {name: load_sheet(io.BytesIO(sheet)) for name, sheet in shared.sheets.items()}
        limits = Limits(**json.loads(shared.limits))
        _OPENED[shared.key] = (nbformat.reads(shared.pristine, as_version=4), sheets, limits)
    return _OPENED[shared.key]


@functools.cache
def environment() -> str:
    """This project's code, its data, and the versions of what answers may depend on, as one word."""
    hashed = hashlib.sha256(platform.python_version().encode())
    for package in PACKAGES:
        hashed.update(f"{package} {version(package)}".encode())
    root = Path(__file__).parents[1]
    lab = Path(attention_lab.__file__).parent
    folders = {"autograder": root / "autograder", "attention_lab": lab, "data": root / "data"}
    for name, folder in folders.items():
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and path.suffix in (".py", ".npz") and inside.parts[0] not in ("tests", "sheets"):
                hashed.update(f"{name}/{inside} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return hashed.hexdigest()
