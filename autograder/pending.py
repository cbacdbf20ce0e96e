"""What is to be graded in a class: each submission's key, and whether its grade is recorded under that key.

A ledger beside the class says, for each learner and lesson, under which key the gradebook holds the grade. It is
written after the gradebook's transaction. So whatever was killed half-way is found again: it is not in the ledger.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from autograder.grading_task import HandedOut, key_of
from autograder.handed_in import HandedIn, read_handed_in
from autograder.verdict_store import FOLDER, write_whole


@dataclass(frozen=True)
class Submission:
    """One learner's folder of a lesson: the keys of its notebooks by file name, and the folder's own as one."""

    learner: str
    keys: Mapping[str, str]
    when: str

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps([sorted(self.keys.items()), self.when]).encode()).hexdigest()


class Ledger:
    """Whose grade for one lesson is recorded, and under which key."""

    def __init__(self, classroom: Path, lesson: str):
        self._folder = classroom / FOLDER / "recorded" / lesson

    def says(self, learner: str) -> tuple[str, bool]:
        """The key under which a learner's grade is recorded, or "", and whether grading itself had failed."""
        try:
            entry = json.loads(self._path(learner).read_text(encoding="utf-8"))
            return str(entry["key"]), bool(entry["failed"])
        except (OSError, ValueError, LookupError, TypeError):
            return "", False

    def record(self, learner: str, key: str, failed: bool) -> None:
        write_whole(self._path(learner), json.dumps({"learner": learner, "key": key, "failed": failed}))

    def forget(self, learner: str) -> None:
        self._path(learner).unlink(missing_ok=True)

    def recorded_since(self, when: float, learners: Iterable[str]) -> dict[str, bool]:
        """Of these learners, those whose grade was recorded since then, and whether grading had failed."""
        return {who: self.says(who)[1] for who in learners if _changed(self._path(who)) >= when}

    def _path(self, learner: str) -> Path:
        return self._folder / f"{hashlib.sha256(learner.encode(errors='surrogateescape')).hexdigest()}.json"


def submission(root: Path, learner: str, lesson: str, notebooks: Mapping[str, HandedOut]) -> Submission:
    """What lies in `root`/learner/lesson, as keys; `root` is where submissions are, `notebooks` those handed out."""
    keys = {name: key_of(shared, handed_in(root, learner, lesson, name)) for name, shared in notebooks.items()}
    when = read_handed_in(root, PurePath(learner, lesson, "timestamp.txt"), 200).raw.decode(errors="replace")
    return Submission(learner, keys, when)


def handed_in(root: Path, learner: str, lesson: str, name: str) -> HandedIn:
    """The bytes of one submitted notebook, or why there are none."""
    return read_handed_in(root, PurePath(learner, lesson, name))


def is_recorded(found: Submission, ledger: Ledger, graded: Iterable[Path]) -> bool:
    """Whether nothing is to be done for this submission: it is in the ledger, and its graded notebooks are there."""
    key, failed = ledger.says(found.learner)
    return key == found.key and not failed and all(path.is_file() for path in graded)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
