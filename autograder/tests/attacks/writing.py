"""Attacks that change files outside of the jail. Each leaves its mark, in names or in contents, where it can."""

from autograder.tests.attacks.attack import Attack, code

FAMILY = "writing"

WRITE = """\
import os, pathlib
def write(*paths):
    for path in paths:
        try:
            with open(path, "ab") as file:
                file.write(KNOWN["mark"].encode())
            print("wrote", path)
        except OSError as error:
            print(error)
"""


def _write(id: str, aim: str, body: str) -> Attack:
    return code(f"write-{id}", FAMILY, aim, first=WRITE + body)


ATTACKS: tuple[Attack, ...] = (
    _write(
        "class",
        "private seed, gradebook and a neighbour's work are overwritten, moved, deleted",
        """\
import shutil
for key in ("private_seed", "gradebook", "neighbour", "home_file"):
    write(KNOWN[key])
    for change in (lambda p: os.chmod(p, 0o777), lambda p: os.utime(p, (0, 0)), lambda p: os.truncate(p, 0),
                   lambda p: os.chown(p, 1, 1), lambda p: os.rename(p, p + ".old"), os.unlink):
        try:
            change(KNOWN[key])
        except OSError as error:
            print(error)
shutil.rmtree(KNOWN["classroom"], ignore_errors=True)""",
    ),
    _write(
        "project",
        "the judge, a reference and the runner are changed for all who come later",
        """\
root = KNOWN["project"]
import attention_lab, sys
write(attention_lab.__file__, root + "/lessons/attention_lab/" + KNOWN["mark"], root + "/solutions/" + KNOWN["mark"],
      root + "/autograder/" + KNOWN["mark"], *(m.__file__ for m in list(sys.modules.values())
      if getattr(m, "__file__", None) and hasattr(m, "receive")))""",
    ),
    _write(
        "python",
        "Python itself, its packages and their caches",
        """\
import sys
places = (sys.prefix, KNOWN["site_packages"], os.path.dirname(os.__file__), os.path.dirname(np.__file__), "/usr/lib",
          "/usr/local/bin", "/etc")
write(*(os.path.join(place, KNOWN["mark"] + ".pth") for place in places))""",
    ),
    _write(
        "shared",
        "places that every process shares: temporary folders, shared memory, queues",
        """\
places = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", "/dev/mqueue")
write(*(os.path.join(place, KNOWN["mark"]) for place in places))
try:
    from multiprocessing import shared_memory
    print(shared_memory.SharedMemory(KNOWN["mark"], create=True, size=4096).name)
    os.mkfifo("/tmp/" + KNOWN["mark"] + ".fifo")
except OSError as error:
    print(error)""",
    ),
    _write(
        "home",
        "start-up files in every home directory",
        """\
import pwd
homes = {os.path.dirname(KNOWN["home_file"]), os.path.expanduser("~"), "/root", *(p.pw_dir for p in pwd.getpwall())}
for home in homes - {"/"}:
    for name in (".bashrc", ".profile", ".ipython/profile_default/startup/" + KNOWN["mark"] + ".py",
                 ".jupyter/" + KNOWN["mark"] + ".py", ".local/" + KNOWN["mark"], KNOWN["mark"]):
        if not os.path.exists(os.path.join(home, name)):
            try:
                os.makedirs(os.path.dirname(os.path.join(home, name)), exist_ok=True)
            except OSError as error:
                print(error)
            write(os.path.join(home, name))""",
    ),
    _write(
        "kernel",
        "settings of the kernel, and of the grader's process",
        """\
pid = KNOWN["grader"]
for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", f"/proc/{pid}/oom_score_adj",
             f"/proc/{pid}/mem", f"/proc/{pid}/comm", "/sys/fs/cgroup/cgroup.procs", "/proc/sysrq-trigger"):
    try:
        with open(path, "r+b", 0) as file:
            file.write(b"x" if "sysrq" not in path else b"")
        print("opened for writing:", path)
    except OSError as error:
        print(error)
import socket
try:
    socket.sethostname(KNOWN["mark"])
except OSError as error:
    print(error)""",
    ),
)
