"""What a jailed process sees: the mounts for bubblewrap, and the environment variables.

Python and the lessons' package lie where they lie outside, so that an editable install works; of the project's other
folders, of home directories and of /tmp there is nothing. Everything is read only but the scratch folder.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from autograder.checkout import is_checkout

SCRATCH = "/home/learner"
OURS = Path("/jail")  # where our own files lie inside
PROJECT = Path(__file__).resolve().parents[1]
SYSTEM = (
    *("/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/bin", "/usr/local/lib", "/usr/local/lib64"),
    *("/usr/share/fonts", "/usr/share/zoneinfo", "/etc/alternatives", "/etc/ld.so.cache"),
)
LINKED = ("/bin", "/lib", "/lib32", "/lib64")  # links into /usr on a merged system, else folders
LARGE_PAGES = "glibc.malloc.hugetlb=1"  # memory in large pages: what a fork has to copy is a fraction
ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
USERS = b"root:x:0:0::/:/bin/sh\nlearner:x:65534:65534::/home/learner:/bin/sh\n"


def environment(scratch: str) -> dict[str, str]:
    """All variables that a learner's process has."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": scratch,
        "TMPDIR": scratch,
        "USER": "learner",
        "LOGNAME": "learner",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "IPYTHONDIR": f"{scratch}/.ipython",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": f"{scratch}/.matplotlib",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        "GLIBC_TUNABLES": LARGE_PAGES,
        **{f"{library}_NUM_THREADS": "1" for library in ONE_THREAD},
    }


def view(files: Sequence[Path], scratch_mb: int, give: Callable[[bytes], str]) -> list[str]:
    """bwrap's arguments. `give` puts bytes where bwrap can read them, and returns the file descriptor's number."""
    arguments = []
    for link in LINKED:
        if os.path.islink(link):
            arguments += ["--symlink", os.readlink(link), link]
    mounts = _mounts()
    for folder in _folders_above(mounts):
        arguments += ["--dir", folder]
    for path, source in sorted(mounts.items(), key=lambda mount: len(mount[0].parts)):
        arguments += ["--ro-bind", str(source), str(path)] if source else ["--tmpfs", str(path)]
    # bwrap leaves /proc/sys open to root in a user namespace, whom the kernel still takes for root there.
    arguments += ["--proc", "/proc", "--tmpfs", "/proc/sys", "--dev", "/dev"]
    for folder in ("/dev/shm", SCRATCH):
        arguments += ["--perms", "1777", "--size", str(scratch_mb * 2**20), "--tmpfs", folder]
    arguments += ["--perms", "0777", "--dir", f"{SCRATCH}/.matplotlib"]
    contents = {OURS / file.name: file.read_bytes() for file in files}
    contents[Path("/etc/passwd")] = USERS
    if files:  # a mere trial draws nothing
        name, fonts = _fonts()
        contents[Path(SCRATCH, ".matplotlib", name)] = fonts
    for path, content in contents.items():
        arguments += ["--perms", "0444", "--ro-bind-data", give(content), str(path)]
    for path in ["/", "/dev", "/proc/sys", *(path for path, source in mounts.items() if not source)]:
        arguments += ["--remount-ro", str(path)]
    return [*arguments, "--chdir", SCRATCH]


def _mounts() -> dict[Path, Path | None]:
    """What is mounted where; None for a folder that is covered because one above it is mounted."""
    paths = [Path(path) for path in SYSTEM]
    paths += [Path(path) for path in LINKED if not os.path.islink(path)]
    for prefix in {sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)}:
        paths += [Path(prefix, name) for name in ("bin", "lib", "lib64", "pyvenv.cfg")]
    mounts = {path: path for path in paths if path.exists()}
    for path in _links_to_python():
        if not _is_below(path, mounts):
            mounts[path] = path.resolve()
    lessons = Path(find_spec("attention_lab").origin).parent
    shown = {lessons, PROJECT / "data"}
    mounts |= {path: path for path in shown if path.exists()}
    mounts[lessons / "sheets"] = None  # practice sheets share a quiz with those that grade
    packages = [Path(find_spec(name).origin).parent for name in ("solutions", "autograder")]
    for hidden in [PROJECT, *packages] if is_checkout(PROJECT) else packages:  # installed, PROJECT is site-packages
        if _is_below(hidden, mounts):
            mounts[hidden] = None
    return mounts


def _links_to_python() -> list[Path]:
    """The interpreter's path, and those that it leads to, link by link."""
    links = [Path(sys.executable)]
    while links[-1].is_symlink() and len(links) < 20:
        links.append(Path(os.path.normpath(links[-1].parent / os.readlink(links[-1]))))
    return links


def _folders_above(mounts: dict) -> list[str]:
    """The folders that have to be made first, outer ones first; bwrap would make them for root's eyes only."""
    above = {parent for path in [*mounts, Path(SCRATCH), OURS / "file", Path("/etc/file")] for parent in path.parents}
    above = {folder for folder in above if not _is_below(folder, mounts) and folder != Path("/")}
    return [str(folder) for folder in sorted(above, key=lambda folder: len(folder.parts))]


def _is_below(path: Path, mounts: dict) -> bool:
    return any(folder == path or folder in path.parents for folder, source in mounts.items() if source)


@cache
def _fonts() -> tuple[str, bytes]:
    """Matplotlib's list of its own fonts, by name and content: without it every jail would look through them again."""
    from matplotlib import font_manager

    name = f"fontlist-v{font_manager.FontManager.__version__}.json"
    with tempfile.TemporaryDirectory() as folder:
        font_manager.json_dump(font_manager.fontManager, Path(folder, name))
        fonts = json.loads(Path(folder, name).read_bytes())
    for kind in ("ttflist", "afmlist"):
        fonts[kind] = [font for font in fonts[kind] if not os.path.isabs(font["fname"])]
    return name, json.dumps(fonts).encode()
