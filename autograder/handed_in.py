"""Reads what a learner handed in: the bytes of one file, whatever lies at its place.

Covers links (not followed), folders and pipes in its stead, files that are missing, unreadable or enormous. What the
bytes mean is the graft's business.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePath

MOST_BYTES = 20_000_000  # of one submitted notebook; an honest one, outputs and all, has about one million


@dataclass(frozen=True)
class HandedIn:
    """The bytes of a file, or a sentence that says why there are none."""

    raw: bytes = b""
    problem: str = ""


def read_handed_in(root: Path, inside: PurePath, most_bytes: int = MOST_BYTES) -> HandedIn:
    """The regular file at `root`/`inside`; no link below `root` is followed, and nothing is waited for."""
    if not inside.parts or ".." in inside.parts or inside.is_absolute():
        raise ValueError(f"{inside} does not lie in {root}")
    name = _printable(inside.name)
    try:
        raw = _read(root, inside.parts, most_bytes + 1)
    except FileNotFoundError:
        found = "".join(
            f" There is `{_printable(other)}`: is that it? Then rename it." for other in _beside(root, inside)
        )
        return HandedIn(problem=f"No notebook was handed in: there is no file `{name}`.{found}")
    except (OSError, ValueError):
        return HandedIn(problem=f"`{name}` cannot be read: it is not a plain file in the learner's own folder.")
    if len(raw) > most_bytes:
        return HandedIn(problem=f"`{name}` is larger than {most_bytes / 1e6:g} MB, and was not opened.")
    return HandedIn(raw)


def _beside(root: Path, inside: PurePath) -> list[str]:
    """The one other notebook in the folder where this file should be; nothing where there are none or several."""
    try:
        folder = _opened(root, inside.parts[:-1])
    except OSError:
        return []
    try:
        found = sorted(name for name in os.listdir(folder) if name.endswith(".ipynb"))
    finally:
        os.close(folder)
    return found if len(found) == 1 else []


def _read(root: Path, parts: tuple[str, ...], most_bytes: int) -> bytes:
    here = _opened(root, parts[:-1])
    try:
        file = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    finally:
        os.close(here)
    with open(file, "rb") as stream:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise ValueError("not a regular file")
        return stream.read(most_bytes)


def _opened(root: Path, parts: tuple[str, ...]) -> int:
    """A folder, step by step from `root` down, so that nothing can be exchanged for a link on the way."""
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for part in parts:
        try:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
        finally:
            os.close(here)
        here = below
    return here


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() and letter != "`" else "?" for letter in name)[:80]
