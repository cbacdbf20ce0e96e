"""Grades submissions ahead of the one process that records them: from the store where it can, else on a cluster.

A few submissions wait in memory at a time, however large the class. What is graded is stored before it is recorded.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass

from autograder.grading_task import GradedSubmission, HandedOut, grade, prepare
from autograder.handed_in import HandedIn
from autograder.verdict_store import VerdictStore

FEW = 2  # submissions for which no cluster is started
IN_WAITING = 4  # submissions a worker has in front of it


@dataclass(frozen=True)
class Job:
    """One submitted notebook: its key, what it shares with others, and how to read its bytes."""

    key: str
    shared: HandedOut
    read: Callable[[], HandedIn]


class Ahead:
    """The graded submissions of `jobs`, which are taken in that order (or in another, which takes longer)."""

    def __init__(self, jobs: Iterable[Job], store: VerdictStore, *, cluster: str = "", workers: int = 0):
        self._jobs = {job.key: job for job in jobs}
        self._store, self._stack, self._cluster = store, ExitStack(), None
        self._waiting = deque(key for key in self._jobs if store.get(key) is None)
        self._sent: set[str] = set()
        self.to_grade = len(self._waiting)
        if self.to_grade and not cluster:
            prepare(self._jobs[self._waiting[0]].shared)
        if self.to_grade > FEW or (cluster and self.to_grade):
            from autograder.cluster import grading_cluster

            most = min(workers or os.cpu_count() or 1, self.to_grade)
            self._cluster = self._stack.enter_context(grading_cluster(cluster, most))
            self._room = IN_WAITING * max(1, self._cluster.workers())
            self._send()

    def take(self, key: str) -> GradedSubmission:
        """The graded submission; waits for it where it is under way, and grades it here where it is not."""
        stored = self._store.get(key)
        if stored is None:
            stored = self._graded(key)
            self._store.put(key, stored)
        return GradedSubmission.from_json(stored)

    def close(self) -> None:
        self._stack.close()

    def _graded(self, key: str) -> str:
        if key in self._sent:
            self._sent.discard(key)
            graded = self._cluster.result(key)
            self._send()
            return graded
        job = self._jobs[key]
        return grade(job.shared, job.read())

    def _send(self) -> None:
        while self._waiting and len(self._sent) < self._room:
            key = self._waiting.popleft()
            job = self._jobs[key]
            self._cluster.submit(key, job.shared, job.read())
            self._sent.add(key)
