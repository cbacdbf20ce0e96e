"""What a process and all that it has started use just now, read from Linux's /proc."""

import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def tree(pid: int) -> list[int]:
    """`pid` and everything below it, parents first. Elsewhere than on Linux, `pid` alone."""
    found = [pid]
    for parent in found:
        for thread in _names(f"/proc/{parent}/task"):
            found += [int(child) for child in _text(f"/proc/{parent}/task/{thread}/children").split()]
    return found


def tasks_of(pids: list[int]) -> int:
    """Processes and threads together."""
    return sum(len(_names(f"/proc/{pid}/task")) for pid in pids)


def megabytes_of(pids: list[int], most: float) -> float:
    """The memory that the processes hold. Pages that they share are counted once only where it could matter."""
    resident = sum(int((_text(f"/proc/{pid}/statm").split() or "00")[1]) for pid in pids) * PAGE / 2**20
    if resident <= most:
        return resident
    return sum(_own_share(pid) for pid in pids) / 2**10


def own_megabytes_of(pids: list[int]) -> float:
    """The memory that nothing else has mapped: what would be free if they ended."""
    lines = [line.split() for pid in pids for line in _text(f"/proc/{pid}/smaps_rollup").splitlines()]
    return sum(int(line[1]) for line in lines if line[0].startswith("Private_")) / 2**10


def seconds_of(pids: list[int]) -> float:
    """The processors' time that they have used, with that of their children that have ended."""
    fields = [_text(f"/proc/{pid}/stat").rpartition(")")[2].split() for pid in pids]
    return sum(int(ticks) for field in fields for ticks in field[11:15]) / os.sysconf("SC_CLK_TCK")


def tasks_of_this_user() -> int:
    """How many processes and threads the user of this process has, wherever they run."""
    pids = [name for name in _names("/proc") if name.isdigit()]
    return tasks_of([pid for pid in pids if _owner(pid) == os.geteuid()])


def _own_share(pid: int) -> int:
    """Kilobytes, shared pages in proportion; all resident ones where the kernel does not say."""
    for line in _text(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return int((_text(f"/proc/{pid}/statm").split() or "00")[1]) * PAGE // 2**10


def _owner(pid) -> int | None:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # it ended in the meantime
        return []


def _text(file: str) -> str:
    try:
        return Path(file).read_text()
    except OSError:
        return ""
