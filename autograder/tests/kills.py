"""Kills graders at random moments, again and again, and sees that no grade is lost, doubled or changed.

    python -m autograder.tests.kills 200

Each run of `nbgrader autograde` in a small class is killed (SIGKILL: the command with the scheduler in it, one of its
workers, or one of the processes of its jails: bubblewrap, the zygote, a learner's), then the next one goes on where it
stopped. At the end the gradebook is compared with that of an undisturbed run. Half of the runs begin with no stored
verdict, so that grading itself is hit as well, and a third with an empty gradebook.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autograder import nbgrader_plugin
from autograder.build import all_exercises, read_lessons
from autograder.lesson import CODE, EXERCISE, GRADE, PROJECT, Cell, Lesson
from autograder.recorded_points import recorded_points
from autograder.tests.small_class import LESSON, SmallClass
from autograder.verdict_store import FOLDER

LEARNERS = 6


def main(kills: int, seed: int = 0) -> int:
    """Prints a line for every kill, and at the end what was lost; → 1 where anything was."""
    rng, hit = random.Random(seed), dict.fromkeys(("command", "worker", "jail"), 0)
    with tempfile.TemporaryDirectory(prefix="attention-lab-kills-") as folder:
        small = _class(Path(folder) / "class")
        book, empty = small.path / "gradebook.db", Path(folder) / "empty.db"
        shutil.copy(book, empty)
        undisturbed = _finished(small)
        bad = 0
        while sum(hit.values()) < kills:
            if rng.random() < 0.5:
                shutil.rmtree(small.path / FOLDER, ignore_errors=True)
            else:
                shutil.rmtree(small.path / FOLDER / "recorded", ignore_errors=True)
            if rng.random() < 0.3:  # as it was before anything was graded
                shutil.copy(empty, book)
            what = _killed(small, rng)
            if what is None:
                continue
            hit[what] += 1
            torn = {len(cells) for cells in _by_learner(_points(small)).values()} - {2}
            if rng.random() < 0.3:  # not always at once: several runs in a row may be killed
                bad += bool(torn)
                continue
            now = _finished(small)
            bad += bool(torn) or now != undisturbed
            print(
                f"{sum(hit.values()):4} {what:8} {'as undisturbed' if now == undisturbed else 'DIFFERENT'}", flush=True
            )
        bad += _finished(small) != undisturbed
    print(
        f"{kills} kills ({', '.join(f'{name} {count}' for name, count in hit.items())}): {bad} times a grade was wrong"
    )
    return int(bad > 0)


def _class(path: Path) -> SmallClass:
    exercises = all_exercises()
    first = read_lessons(PROJECT, exercises)[0]
    asked = ("softmax",), ("blend",)
    cells = [cell for cell in first.cells if cell.kind in (EXERCISE, GRADE) and cell.names in asked]
    small = SmallClass(path, Lesson(LESSON, (Cell(CODE, "import numpy as np"), *cells)), exercises)
    for number in range(LEARNERS):
        wrong = {"blend": f"def blend(weights, values):\n    return {number}\n"}
        small.hand_in(f"learner{number}", small.answered(wrong if number % 2 else None))
    return small


def _killed(small: SmallClass, rng: random.Random) -> str | None:
    """Start a run and kill a part of it after a while; what was killed, None where the run had ended."""
    command = [sys.executable, "-m", "nbgrader", "autograde", LESSON]
    process = subprocess.Popen(
        command, cwd=small.path, env=nbgrader_plugin.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(rng.uniform(1, 9))
        wanted = rng.choice(("command", "worker", "jail"))
        found = [process.pid] if wanted == "command" else _children(process.pid, wanted)
        if process.poll() is not None or not found:
            return None
        os.kill(rng.choice(found), signal.SIGKILL)
        return wanted
    except ProcessLookupError:
        return None
    finally:
        process.wait()


def _children(pid: int, kind: str) -> list[int]:
    """The Dask workers below a process, or all that is in its jails and makes them."""
    mark = b"multiprocessing.spawn" if kind == "worker" else b"zygote"
    found, below = [], {pid}
    for entry in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            parent = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
            line = Path(f"/proc/{entry}/cmdline").read_bytes()
        except OSError:
            continue
        if parent in below:
            below.add(entry)
            found += [entry] if mark in line else []
    return found


def _finished(small: SmallClass) -> list[tuple]:
    nbgrader_plugin.run(small.path, "autograde", LESSON)
    return _points(small)


def _points(small: SmallClass) -> list[tuple]:
    return list(recorded_points(f"sqlite:///{small.path / 'gradebook.db'}", LESSON))


def _by_learner(points: list[tuple]) -> dict[str, list]:
    found = {}
    for who, cell, earned in points:
        found.setdefault(who, []).append((cell, earned))
    return found


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
