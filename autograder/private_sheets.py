"""A class's private seed, and the sheets that its submissions are judged with.

The seed is made with the class and never shown; the sheets are compiled from it when they are first needed and kept
beside it. Both are for the owner of the class alone, and no jail ever sees them.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

import attention_lab
import numpy as np

from autograder.lesson import PROJECT
from autograder.problem import Problem

SEED, SHEETS = "private_seed", ".sheets"
BITS = 128
# A sheet is compiled again when one of these has changed.
_MADE_FROM = (
    *sorted((PROJECT / "autograder" / "exercises").glob("*.py")),
    *sorted((PROJECT / "solutions").glob("*.py")),
    *(Path(attention_lab.__file__).with_name(f"{name}.py") for name in ("sheet", "comparison", "verdict")),
)


def write_seed(directory: Path) -> None:
    """Give a new class its seed, 128 random bits that only the owner can read; a class never gets a second one."""
    file = os.open(directory / SEED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(file, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(BITS // 8) + "\n")


def read_seed(directory: Path) -> int:
    """The seed of a class; a Problem where it is missing or no seed."""
    path = directory / SEED
    try:
        return int(path.read_text(encoding="ascii").strip(), 16)
    except FileNotFoundError:
        raise Problem(f"{path} is missing. `course new` makes it; put it back from your copy of the class.") from None
    except (OSError, ValueError):
        raise Problem(f"{path} cannot be read, or holds no seed. Put it back from your copy of the class.") from None


def private_sheets(directory: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The sheets of these exercises in a class, as `load_sheet` reads them; a name that is no exercise is left out."""
    seed = read_seed(directory)
    made_from = _fingerprint(seed)
    sheets = ((name, _sheet(directory / SHEETS, name, seed, made_from)) for name in names)
    return {name: sheet for name, sheet in sheets if sheet is not None}


def _sheet(folder: Path, name: str, seed: int, made_from: str) -> bytes | None:
    path = folder / f"{name}-{made_from}.npz"
    if not path.is_file():
        from autograder.exercises import EXERCISES, compile_sheet  # with PyTorch, which takes seconds

        if name not in EXERCISES:
            return None
        folder.mkdir(mode=0o700, exist_ok=True)
        for stale in folder.glob(f"{name}-*.npz"):
            stale.unlink(missing_ok=True)
        half = path.with_suffix(f".{os.getpid()}")
        compile_sheet(EXERCISES[name], seed).save(half)
        half.rename(path)  # in one step: two commands may be at work in a class
    return path.read_bytes()


def _fingerprint(seed: int) -> str:
    """Of everything that a sheet is made from. It tells nothing of the seed: 128 bits cannot be tried out."""
    made_from = hashlib.sha256(f"{seed} {np.__version__}".encode())
    for source in _MADE_FROM:
        made_from.update(source.read_bytes())
    return made_from.hexdigest()[:16]
