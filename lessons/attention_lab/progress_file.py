"""What checks remember of a learner: one JSON line a verdict, in a file that never leaves this machine.

A line holds exercise, points, max_points, passed, misconceptions and time; nothing of the learner's code. The variable
ATTENTION_LAB_PROGRESS names another file, or is `off`. Where the file cannot be read or written, nothing is
remembered, and no check fails for it.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from attention_lab.verdict import Verdict

VARIABLE, OFF = "ATTENTION_LAB_PROGRESS", "off"
MOST_BYTES = 200_000  # some 1,000 checks; a larger file is put together to one line an exercise


def place() -> Path | None:
    """Where verdicts are remembered; None where they are not."""
    named = os.environ.get(VARIABLE)
    if named is None:
        from platformdirs import user_data_path

        return user_data_path("attention-lab", appauthor=False) / "progress.jsonl"
    return None if named.strip().lower() in ("", OFF) else Path(os.path.expanduser(named))


def remember(verdict: Verdict, now: datetime) -> None:
    """Add a verdict to the file; an exercise that is not started is not worth a line."""
    path = place()
    if path is None or not verdict.started:
        return
    entry = {
        "exercise": verdict.exercise,
        "points": verdict.points,
        "max_points": verdict.max_points,
        "passed": verdict.passed,
        "misconceptions": list(verdict.misconceptions),
        "time": now.astimezone(UTC).isoformat(timespec="seconds"),
    }
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # a pipe would wait for somebody to read it
            return
        if path.exists() and path.stat().st_size > MOST_BYTES and not _put_together(path):
            return
        with open(path, "a", encoding="utf-8", opener=_for_its_owner) as file:
            file.write(json.dumps(entry) + "\n")


def entries() -> list[dict]:
    """What is remembered, oldest first; `tries` says how many checks a line stands for. Broken lines are left out."""
    path = place()
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path is not None and path.is_file() else ""
    except OSError:
        text = ""
    return [entry for entry in map(_entry, text.splitlines()) if entry]


def together(lines: Iterable[dict]) -> dict[str, dict]:
    """One entry for each exercise: the most points, every mistake that was met, how often it was tried."""
    found = {}
    for line in lines:
        entry = found.setdefault(line["exercise"], {**line, "points": 0, "tries": 0, "misconceptions": []})
        entry["points"] = max(entry["points"], line["points"])
        entry["passed"] = entry["passed"] or line["passed"]
        entry["tries"] += line["tries"]
        entry["misconceptions"] += [name for name in line["misconceptions"] if name not in entry["misconceptions"]]
        entry.update(max_points=line["max_points"], time=line["time"])
    return found


def forget() -> bool:
    """Delete the file; False where there was none. What cannot be deleted raises OSError."""
    path = place()
    if path is None or not path.is_file():
        return False
    path.unlink()
    return True


def _put_together(path: Path) -> bool:
    """Make the file smaller; False, and nothing is done, where it holds what no check wrote."""
    read = [_entry(line) for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    if not all(read):
        return False
    lines = "".join(json.dumps(entry) + "\n" for entry in together(read).values())
    smaller = path.with_name(f"{path.name}.{os.getpid()}")
    with open(smaller, "w", encoding="utf-8", opener=_for_its_owner) as file:
        file.write(lines)
    os.replace(smaller, path)
    return True


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _entry(line: str) -> dict | None:
    """A line of the file, or None where it is not one that `remember` wrote."""
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        read = json.loads(line)
        return {
            "exercise": str(read["exercise"]),
            "points": float(read["points"]),
            "max_points": float(read["max_points"]),
            "passed": read["passed"] is True,
            "misconceptions": [str(name) for name in read["misconceptions"]],
            "time": str(read["time"]),
            "tries": int(read.get("tries", 1)),
        }
    return None
