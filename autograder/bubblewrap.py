"""The command that runs Python in bubblewrap: namespaces and view, the same for a submission and for the zygote."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from autograder.jail_view import OURS, view

NAMESPACES = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
NAMESPACES += ["--hostname", "jail", "--die-with-parent", "--new-session"]


@contextmanager
def bwrap(
    isolation: Sequence[str], files: Sequence[Path], scratch_mb: int, refused: bytes | None = None
) -> Iterator[tuple[list[str], list[int]]]:
    """bwrap's command up to the program it is to run, and the file descriptors that it reads.

    `isolation` are its arguments about users and rights, `refused` the seccomp program, if it is to load one.
    """
    with ExitStack() as given:
        numbers = []

        def give(content: bytes) -> str:
            """The number of a file descriptor from which bwrap can read this."""
            file = given.enter_context(tempfile.TemporaryFile())
            file.write(content)
            file.seek(0)
            numbers.append(file.fileno())
            return str(file.fileno())

        arguments = [*NAMESPACES, *isolation]
        if refused:
            arguments += ["--seccomp", give(refused)]
        arguments += view(files, scratch_mb, give)
        yield [shutil.which("bwrap"), "--args", give("\0".join(arguments).encode()), "--"], numbers


def main_of(file: Path) -> list[str]:
    """Python's arguments to run `main` of a file in a package."""
    package = file.parent
    code = f"import sys; sys.path[0] = {str(package.parent)!r}; from {package.name}.{file.stem} import main; main()"
    return ["-c", code]


def main_inside(file: Path) -> list[str]:
    """The same for one of the files that lie in the jail."""
    return main_of(OURS / file.name)
