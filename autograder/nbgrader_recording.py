"""What `nbgrader autograde` does in a class of ours between reading submissions and its gradebook.

Submissions whose grades are recorded already are left out; the others are graded ahead, several at once, while
nbgrader records one after the other: each in one transaction, and then in the ledger. Before the first, the gradebook
is copied to `backups`.
"""

import atexit
import errno
import os
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry

from autograder.ahead import Ahead, Job
from autograder.backups import back_up
from autograder.grading_task import GradedSubmission
from autograder.one_transaction import OneTransaction
from autograder.pending import Ledger, Submission, handed_in, is_recorded, submission
from autograder.problem import Problem
from autograder.verdict_store import VerdictStore


class Recording:
    """One run of `nbgrader autograde`; `parent` is nbgrader's converter, whose assignments it decides."""

    def __init__(self, exporter, parent, folders: Mapping[str, list[str]]):
        course = exporter.coursedir
        self._log, self._lesson = parent.log, course.assignment_id
        classroom = Path(course.root)
        self._store, self._ledger = VerdictStore(classroom), Ledger(classroom, self._lesson)
        self._root = Path(course.format_path(course.submitted_directory, "", ""))
        self._submitted: set[str] | None = None
        self._folders = {folder: self._submission(folder, exporter.shared) for folder in folders}
        to_do = {
            folder: found
            for folder, found in self._folders.items()
            if parent.force or not self._is_done(course, found, folders[folder])
        }
        self._known = {name: found for folder, found in to_do.items() for name in folders[folder]}
        if parent.force:
            for found in to_do.values():
                for key in found.keys.values():
                    self._store.forget(key)
        self._log.info("%d of %d are recorded as they were handed in.", len(folders) - len(to_do), len(folders))
        parent.assignments = {folder: folders[folder] for folder in to_do}
        parent.force = True  # what is left has to be recorded, whatever lies there from a run that was stopped
        if not to_do:
            return
        self._back_up(classroom, course.db_url)
        jobs = [
            Job(found.keys[name], shared, partial(handed_in, self._root, found.learner, self._lesson, name))
            for found in to_do.values()
            for name, shared in exporter.shared.items()
        ]
        self._ahead = Ahead(jobs, self._store, cluster=exporter.cluster, workers=exporter.workers)
        self._transaction = OneTransaction(course.db_url, exporter.patience)
        self._graded: dict[str, GradedSubmission] = {}
        self._parent, self._own_hooks = parent, (parent.run_pre_convert_hook, parent.run_post_convert_hook)
        # not pre_convert_hook and post_convert_hook, whose exceptions nbgrader drops
        parent.run_pre_convert_hook, parent.run_post_convert_hook = self._begin, self._end
        self._no_room = ""
        atexit.register(self.close)

    def graded(self, filename: str) -> GradedSubmission:
        """The graded notebook that lies at `filename` in what was submitted."""
        return self._graded[filename]

    def close(self) -> None:
        """Stop what still runs, and say why, if it was no submission's doing; the next time finishes it."""
        self._ahead.close()
        self._transaction.close()
        if why := self._no_room or self._transaction.trouble:
            self._log.error("%s", what_helps(why))

    def _back_up(self, classroom: Path, db_url: str) -> None:
        try:
            back_up(classroom, db_url, self._log)
        except (OSError, sqlite3.Error, subprocess.CalledProcessError) as error:
            why = getattr(error, "stderr", "") or str(error)
            raise Problem(f"Nothing was graded: the gradebook could not be copied first. {what_helps(why)}") from error

    def _submission(self, folder: str, shared) -> Submission:
        learner = Path(folder).relative_to(self._root).parts[0]
        return submission(self._root, learner, self._lesson, shared)

    def _is_done(self, course, found: Submission, notebooks: list[str]) -> bool:
        graded = Path(course.format_path(course.autograded_directory, found.learner, self._lesson))
        there = is_recorded(found, self._ledger, [graded / Path(name).name for name in notebooks])
        return there and found.learner in self._in_gradebook(course)

    def _in_gradebook(self, course) -> set[str]:
        """Who has a submission in the gradebook, which may be an older copy than the ledger."""
        if self._submitted is None:
            self._submitted = set()
            with Gradebook(course.db_url, course.course_id) as gradebook, suppress(MissingEntry):
                self._submitted = {each.student_id for each in gradebook.assignment_submissions(self._lesson)}
        return self._submitted

    def _begin(self) -> None:
        """Before nbgrader opens its gradebook, which nobody else can write to from then on, there is the grade."""
        self._transaction.roll_back()
        if self._no_room:
            raise OSError(errno.ENOSPC, self._no_room)
        notebooks = self._parent.notebooks
        with self._seeing_no_room():
            self._graded = {name: self._ahead.take(self._known[name].keys[Path(name).name]) for name in notebooks}
        self._transaction.begin()
        self._own_hooks[0]()

    def _end(self) -> None:
        found = self._known[self._parent.notebooks[0]]
        self._transaction.commit()
        with self._seeing_no_room():
            failed = any(each.defects for each in self._graded.values())
            self._ledger.record(found.learner, found.key, failed=failed)
        self._own_hooks[1]()

    @contextmanager
    def _seeing_no_room(self) -> Iterator[None]:
        """A full disk is full for all that follow: they are left for the next time, at once."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self._no_room = str(error)
            raise


def what_helps(why: str) -> str:
    """What a database or a disk said, and what helps."""
    if "database is locked" in why or "lock timeout" in why:
        advice = (
            "Another program holds the gradebook: a second `grade`, formgrader, or a viewer. Close it, and grade again."
        )
    elif any(words in why for words in ("disk is full", os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))):
        advice = "The disk is full. Make room, and grade again."
    else:
        advice = "When that is mended, grade again."
    return f"{advice} What is recorded stays, what is graded is not graded anew. ({why.strip()})"
