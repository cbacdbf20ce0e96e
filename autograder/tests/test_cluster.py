"""Grading on Dask: a cluster of our own, and one of separate processes whose address is given."""

import json
import re
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from autograder.ahead import Ahead, Job
from autograder.cluster import grading_cluster
from autograder.command import app
from autograder.grading_task import GradedSubmission, environment, handed_out, key_of
from autograder.handed_in import HandedIn
from autograder.jail import Limits, why_no_jail
from autograder.problem import Problem
from autograder.recorded_points import recorded_points
from autograder.tests.small_class import LESSON, SmallClass
from autograder.verdict_store import VerdictStore

needs_jail = pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here")


@pytest.fixture(scope="module")
def made(tmp_path_factory, small_lesson, exercises):
    small = SmallClass(tmp_path_factory.mktemp("classes") / "autumn", small_lesson, exercises)
    for number in range(5):
        small.hand_in(
            f"learner{number}", small.answered({"blend": f"def blend(weights, values):\n    return {number}\n"})
        )
    return small


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """A Dask scheduler and two workers, each a process of its own: the scheduler's address, and the workers."""
    folder = tmp_path_factory.mktemp("dask")
    log = open(folder / "log", "w+")  # noqa: SIM115  (for as long as the scheduler runs)

    def start(*command):
        return subprocess.Popen([sys.executable, "-m", *command], cwd=folder, stdout=log, stderr=log)

    asked = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    started = [start(*asked, "--scheduler-file", str(folder / "scheduler.json"))]
    try:
        patience = time.monotonic() + 60
        while not (folder / "scheduler.json").exists() and time.monotonic() < patience:
            time.sleep(0.1)
        address = json.loads((folder / "scheduler.json").read_text())["address"]
        workers = [
            start("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard", "--nanny")
            for _ in range(2)
        ]
        started += workers
        yield address, workers, folder / "scheduler.json"
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()
        log.close()


@needs_jail
@pytest.mark.slow
def test_a_class_is_graded_by_workers_that_run_elsewhere(made, scheduler):
    address, _, file = scheduler
    _until_there_are_workers(address, 2)
    result = CliRunner().invoke(app, ["grade", str(made.path), "1", "--cluster", address])
    assert result.exit_code == 0, result.output
    points = list(recorded_points(f"sqlite:///{made.path / 'gradebook.db'}", LESSON))
    assert len({who for who, _, _ in points}) == 5
    assert {earned for _, cell, earned in points if cell == "check-softmax"} == {4.0}
    again = CliRunner().invoke(app, ["grade", str(made.path), "1", "--force", "--cluster", str(file)])
    assert again.exit_code == 0, again.output
    assert list(recorded_points(f"sqlite:///{made.path / 'gradebook.db'}", LESSON)) == points


@needs_jail
@pytest.mark.slow
def test_a_worker_that_dies_loses_no_grade(made, scheduler, exercises, sheet_of, tmp_path):
    address, workers, _ = scheduler
    _until_there_are_workers(address, 2)
    sheets = {name: sheet_of(name).as_bytes() for name in ("softmax", "blend")}
    shared = handed_out(made.released, sheets, Limits(), unsafe=False)
    jobs = []
    for number in range(8):
        raw = json.dumps(made.answered({"softmax": f"{exercises['softmax'].id} = {number}"})).encode()
        jobs.append(Job(key_of(shared, HandedIn(raw)), shared, lambda raw=raw: HandedIn(raw)))
    ahead = Ahead(jobs, VerdictStore(tmp_path), cluster=address)
    try:
        first = ahead.take(jobs[0].key)
        workers[0].kill()
        graded = [first, *(ahead.take(job.key) for job in jobs[1:])]
    finally:
        ahead.close()
    assert [each.defects for each in graded] == [()] * 8
    assert all(re.search(r'data-points=\\"2\\"', each.notebook) for each in graded)


def _until_there_are_workers(address, count):
    from dask.distributed import Client

    with Client(address, timeout=30) as client:
        client.wait_for_workers(count, timeout=60)


def test_a_scheduler_that_does_not_answer_is_told_in_a_sentence():
    for address in ("tcp://127.0.0.1:9", "nowhere.json"):
        with pytest.raises(Problem), grading_cluster(address):
            pass


def test_equal_submissions_have_one_key_and_any_change_another(sheet_of, made):
    sheets = {"softmax": sheet_of("softmax").as_bytes()}
    shared = handed_out(made.released, sheets, Limits(), unsafe=False)
    raw = HandedIn(b"{}")
    key = key_of(shared, raw)
    assert key == key_of(handed_out(made.released, sheets, Limits(), unsafe=False), HandedIn(b"{}"))
    others = [
        key_of(shared, HandedIn(b"{} ")),
        key_of(shared, HandedIn(b"{}", problem="No notebook was handed in.")),
        key_of(handed_out(made.released, sheets, Limits(cell_seconds=1), unsafe=False), raw),
        key_of(handed_out(made.released, sheets, Limits(), unsafe=True), raw),
        key_of(handed_out(made.released, {"softmax": sheet_of("softmax", 3).as_bytes()}, Limits(), unsafe=False), raw),
    ]
    assert len({key, *others}) == 6
    assert re.fullmatch("[0-9a-f]{64}", environment())


def test_what_crosses_is_json_and_nothing_else():
    graded = GradedSubmission("{}", ("a remark",), ())
    assert GradedSubmission.from_json(graded.as_json()) == graded
