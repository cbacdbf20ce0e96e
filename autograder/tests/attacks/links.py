"""Attacks by links and by path names that climb out of the scratch directory."""

import os
from pathlib import Path

from autograder.tests.attacks.attack import Attack, Secrets, code

FAMILY = "links"

LINKS = """\
import os, pathlib
def through(path):
    try:
        print(path, pathlib.Path(path).read_bytes()[:200_000].decode("latin-1"), flush=True)
    except OSError as error:
        print(error)
    try:
        with open(path, "ab") as file:
            file.write(KNOWN["mark"].encode())
    except OSError as error:
        print(error)
"""


def _placed(id: str, aim: str, place) -> Attack:
    """Something else lies where the notebook belongs."""
    return Attack(id, FAMILY, aim, lambda pristine, secrets: b"", judged=False, place=place)


def _through_a_folder(path: Path, secrets: Secrets) -> None:
    path.parent.rmdir()
    path.parent.symlink_to(Path(secrets.neighbour).parent)


def _sparse(path: Path, secrets: Secrets) -> None:
    with open(path, "wb") as file:
        file.truncate(8 * 10**12)


ATTACKS: tuple[Attack, ...] = (
    code(
        "link-soft",
        FAMILY,
        "symbolic links from the scratch directory to secrets",
        first=LINKS
        + """\
for number, key in enumerate(("private_seed", "gradebook", "neighbour", "home_file")):
    os.symlink(KNOWN[key], f"link{number}")
    through(f"link{number}")""",
    ),
    code(
        "link-hard",
        FAMILY,
        "hard links to secrets, and through open descriptors",
        first=LINKS
        + """\
for number, key in enumerate(("private_seed", "gradebook", "neighbour", "home_file")):
    try:
        os.link(KNOWN[key], f"hard{number}")
        through(f"hard{number}")
    except OSError as error:
        print(error)
for number in range(256):
    try:
        os.link(f"/proc/self/fd/{number}", f"descriptor{number}", follow_symlinks=True)
        through(f"descriptor{number}")
    except OSError:
        pass""",
    ),
    code(
        "link-climb",
        FAMILY,
        "path names that climb: .., //, /proc/self/cwd/.., the root of a directory descriptor",
        first=LINKS
        + """\
for key in ("private_seed", "gradebook"):
    for way in ("../" * 30, "/proc/self/cwd/" + "../" * 30, "/proc/self/root/", "/./../", "//", "/tmp/../"):
        through(way + KNOWN[key])
for number in range(3, 256):
    try:
        above = os.open("../" * 20, os.O_RDONLY, dir_fd=number)
        print(os.listdir(above))
        through(f"/proc/self/fd/{above}{KNOWN['private_seed']}")
    except OSError:
        pass""",
    ),
    code(
        "link-chroot",
        FAMILY,
        "a chroot inside the chroot, left by a descriptor kept open",
        first=LINKS
        + """\
outside = os.open("/", os.O_RDONLY)
child = os.fork()
if child == 0:
    try:
        os.makedirs("inner", exist_ok=True)
        os.chroot("inner")
        os.fchdir(outside)
        for _ in range(64):
            os.chdir("..")
        os.chroot(".")
        through(KNOWN["private_seed"])
    except OSError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)""",
    ),
    code(
        "link-odd-names",
        FAMILY,
        "files and cells with names made of line breaks, quotes, tags and control characters",
        first=LINKS
        + """\
for name in ("a\\nb", "<script>OWNED</script>", "'; id; '", "\\x1b]0;OWNED\\x07", "-rf", "\\udcff", "x" * 255):
    try:
        pathlib.Path(name).write_text("print(1)")
        exec(compile("raise ValueError(1)", name, "exec"))
    except (OSError, ValueError, UnicodeError) as error:
        print(type(error))""",
        answers={
            "softmax": """\
name = "<script>OWNED</script>/../../etc/passwd"
exec(compile("def softmax(scores, axis=-1):\\n    raise ValueError", name, "exec"))"""
        },
    ),
    _placed("placed-link", "the notebook is a link to the private seed", lambda p, s: p.symlink_to(s.private_seed)),
    _placed("placed-neighbour", "the notebook is a link to a neighbour's", lambda p, s: p.symlink_to(s.neighbour)),
    _placed("placed-folder-link", "its folder is a link to a neighbour's", _through_a_folder),
    _placed("placed-device", "the notebook is a link to /dev/zero", lambda p, s: p.symlink_to("/dev/zero")),
    _placed("placed-pipe", "the notebook is a pipe that nobody writes to", lambda p, s: os.mkfifo(p)),
    _placed("placed-folder", "the notebook is a folder", lambda p, s: p.mkdir()),
    _placed("placed-nothing", "there is no notebook", lambda p, s: None),
    _placed("placed-sparse", "a file of eight terabytes that takes no room", _sparse),
)
