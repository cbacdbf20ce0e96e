"""Run by test_trouble.py in a place of its own with little room: grades a class there on a disk that is full.

    python -m autograder.tests.full_disk CLASS PLACE BYTES…

CLASS is copied to PLACE, a file system that may be filled. For each number, all room but so many bytes is taken, and
the class graded; then once more with room. Prints what each run returned and said, and the grades at the end, as JSON.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from autograder import nbgrader_plugin
from autograder.recorded_points import recorded_points
from autograder.tests.small_class import LESSON
from autograder.verdict_store import FOLDER


def main(template: str, place: str, *rooms: str) -> None:
    """Never leaves anything outside of `place`."""
    classroom, filler = Path(place, "class"), Path(place, "filler")
    shutil.copytree(template, classroom)
    runs = []
    for room in [*map(int, rooms), None]:
        shutil.rmtree(classroom / FOLDER, ignore_errors=True)
        if room is not None:
            free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
            filler.write_bytes(bytes(free - room))
        command = [sys.executable, "-m", "nbgrader", "autograde", LESSON]
        done = subprocess.run(command, cwd=classroom, env=nbgrader_plugin.environment(), capture_output=True, text=True)
        filler.unlink(missing_ok=True)
        runs.append([done.returncode, done.stderr])
    points = list(recorded_points(f"sqlite:///{classroom / 'gradebook.db'}", LESSON))
    print(json.dumps({"runs": runs, "points": points}))


if __name__ == "__main__":
    main(*sys.argv[1:])
