"""Grades many submissions at once on Dask: a cluster inside the command, or any scheduler whose address is given.

The only module that knows Dask. Tasks are named by the content of what they grade; they are given bytes and JSON, and
return JSON. Nothing of a learner's is pickled: what their code answers never leaves a grading task but as a verdict.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from autograder.grading_task import GradedSubmission, HandedOut, environment, grade, prepare_meanwhile
from autograder.handed_in import HandedIn
from autograder.problem import Problem
from autograder.warm import offer

CONNECT_SECONDS = 20
TIMES_TO_TRY = 3  # a submission whose worker died is given to another one
UNWATCHED = {  # what Dask measures of itself a hundred times a second, and nobody looks at here
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.scheduler.active-memory-manager.start": False,
}
QUIET = ("distributed", "distributed.worker", "distributed.nanny", "distributed.scheduler", "distributed.core")


class Cluster:
    """Somewhere to grade: `submit` starts a task, `result` waits for it."""

    def __init__(self, client):
        self._client, self._shared, self._tasks = client, {}, {}

    def submit(self, key: str, shared: HandedOut, handed_in: HandedIn) -> None:
        """Start grading; a key that was submitted before is not graded again."""
        if key in self._tasks:
            return
        if shared.key not in self._shared:  # sent to the workers once
            self._client.run(prepare_meanwhile, shared)
            self._shared[shared.key] = self._client.scatter(shared, broadcast=True, hash=False)
        self._tasks[key] = self._client.submit(
            grade, self._shared[shared.key], handed_in, key=f"grade-{key}", pure=True, retries=TIMES_TO_TRY
        )

    def result(self, key: str) -> str:
        """The graded submission as JSON; where no worker survived it, one that says so."""
        task = self._tasks.pop(key)
        try:
            return task.result()
        except Exception as error:  # KilledWorker, a lost scheduler: grading failed, not the learner
            return GradedSubmission("", (), (f"No worker could grade it: {type(error).__name__}: {error}",)).as_json()
        finally:
            task.release()

    def workers(self) -> int:
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def finished(self) -> int:
        """How many of the tasks whose results nobody has taken are done."""
        return sum(task.done() for task in list(self._tasks.values()))


@contextmanager
def grading_cluster(address: str = "", workers: int = 0) -> Iterator[Cluster]:
    """A cluster: the one at `address` (tcp://… or a scheduler file), or one of `workers` processes of our own."""
    import dask
    from dask.distributed import Client, LocalCluster

    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if address:
        with _connected(Client, address) as client:
            yield Cluster(client)
        return
    settings = {"n_workers": workers or os.cpu_count() or 1, "threads_per_worker": 1, "memory_limit": 0}
    with (
        dask.config.set(UNWATCHED),
        LocalCluster(
            **settings,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
            silence_logs=logging.CRITICAL,
            env=offer(),
        ) as local,
        Client(local) as client,
    ):
        yield Cluster(client)


def _connected(kind, address: str):
    where: Mapping = (
        {"scheduler_file": address} if not address.startswith(("tcp://", "tls://")) else {"address": address}
    )
    if "scheduler_file" in where and not os.path.isfile(address):
        raise Problem(f"{address} is neither an address (tcp://host:port) nor the file of a Dask scheduler.")
    try:
        client = kind(**where, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        raise Problem(
            f"No Dask scheduler answers at {address}: {error}. Is it running, and is the port open?"
        ) from None
    if not client.scheduler_info(n_workers=-1)["workers"]:
        client.close()
        raise Problem(f"The Dask scheduler at {address} has no workers. Start some: dask worker {address}")
    others = [worker for worker, found in client.run(environment).items() if found != environment()]
    if others:
        client.close()
        raise Problem(
            f"{len(others)} workers have another version of this project or of its packages: {', '.join(others[:3])}. "
            "The same must be installed on every machine, or equal submissions would get different grades."
        )
    return client
