"""Verdicts already made, kept beside the class: one file a grade, named by everything that the grade depends on.

A file is written in one step, so a run that is killed leaves whole files or none. Grading that failed itself is not
kept.
"""

import json
import os
from pathlib import Path

from autograder.grading_task import GradedSubmission

FOLDER = ".graded"


class VerdictStore:
    """The grades of one class, by key."""

    def __init__(self, classroom: Path):
        self._folder = classroom / FOLDER

    def get(self, key: str) -> str | None:
        """The graded submission as JSON; None where it is not there, or was damaged."""
        try:
            text = self._path(key).read_text(encoding="utf-8")
            GradedSubmission.from_json(text)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return text

    def put(self, key: str, graded: str) -> None:
        """Keep a graded submission, unless grading itself failed."""
        if json.loads(graded)["defects"]:
            return
        write_whole(self._path(key), graded)

    def forget(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step: it is there whole, or not at all. Only its owner can read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(half, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
