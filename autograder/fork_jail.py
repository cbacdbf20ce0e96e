"""How a fork of the zygote comes into a jail of its own, step by step, before any code of a learner's.

The order matters. Namespaces and mounts are made with the zygote's rights. Then the fork splits: the first process of
its process namespace stays behind without any right, and reaps; the second takes the limits upon itself, becomes a
user that nothing else is (or enters a user namespace without rights over the others), gives up every capability and
loads the filter of system calls, which closes the way back.
Sources: namespaces(7), user_namespaces(7), capabilities(7), pid_namespaces(7), mount(2), seccomp(2).
"""

import ctypes
import os
import resource
import socket
import struct
from contextlib import suppress
from errno import EINVAL
from fcntl import ioctl
from pathlib import Path

NEW_MOUNTS, NEW_CGROUPS, NEW_HOSTNAME, NEW_IPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEW_USERS, NEW_PROCESSES, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SETUID, NO_DEVICES, NO_PROGRAMS = 1, 2, 4, 8  # MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC
REMOUNT, BIND, RECURSIVE, PRIVATE = 32, 4096, 16384, 1 << 18
DETACH = 2  # MNT_DETACH
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
SECCOMP_FILTER = 2
CAPABILITIES = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
SIGKILL = 9
UP, SET_FLAGS = 1, 0x8914  # IFF_UP, SIOCSIFFLAGS
NOBODY = 65534
MOST_FILES = 2**20  # descriptors have smaller numbers
COVERED = ("sysrq-trigger", "irq", "bus")  # of /proc: nothing that a learner could write, whoever they are

libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def unshare(flags: int) -> None:
    _checked(libc.unshare(flags))


def setns(file: int, kind: int) -> None:
    _checked(libc.setns(file, kind))


def prctl(option: int, value, *more) -> None:
    _checked(libc.prctl(option, ctypes.c_ulong(value), *(more or [ctypes.c_ulong(0)] * 3)))


def mount(kind: str | None, path: str, flags: int, options: str = "", source: str = "none") -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, path, kind)]
    _checked(libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(options)))


def enter(order: dict, status: int) -> None:
    """Returns in the second process of the new jail, confined. One byte at `status` tells that, another its exit code.

    order: resources {name: limit}, user (0 for a user namespace), scratch_bytes, filter (seccomp, in hexadecimal).
    """
    os.setsid()
    own_namespaces()
    own_files(order["scratch_bytes"])
    refused = bytes.fromhex(order["filter"])
    hear, tell = os.pipe()  # a learner's code begins when both processes are confined
    inside = os.fork()
    if inside:
        watch(inside, refused, status, tell)
    os.close(tell)
    become_nobody(order["user"], order["resources"], refused)
    if os.read(hear, 1) != b"+":
        raise OSError("The first process of the jail kept its rights.")
    os.close(hear)
    os.write(status, b"+")
    os.close(status)


def own_namespaces() -> None:
    """All but that of processes, with which the fork was born, and that of users, which comes last."""
    unshare(NEW_MOUNTS | NEW_IPC | NEW_HOSTNAME | NEW_NETWORK)
    with suppress(OSError):
        unshare(NEW_CGROUPS)
    socket.sethostname("jail")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))


def own_files(scratch_bytes: int) -> None:
    """Scratch folder, shared memory, terminals and /proc of its own, in place of the zygote's."""
    scratch = os.environ["HOME"]
    fonts = {path.name: path.read_bytes() for path in Path(scratch, ".matplotlib").glob("*.json")}
    os.chdir("/")
    mount(None, "/", RECURSIVE | PRIVATE)
    mount("proc", "/proc", NO_SETUID | NO_DEVICES | NO_PROGRAMS)
    for name in COVERED:
        if os.path.exists(f"/proc/{name}"):
            mount(None, f"/proc/{name}", BIND, source=f"/proc/{name}")
            mount(None, f"/proc/{name}", BIND | REMOUNT | READ_ONLY | NO_SETUID | NO_DEVICES | NO_PROGRAMS)
    mount("tmpfs", "/proc/sys", READ_ONLY | NO_SETUID | NO_DEVICES, "mode=755")
    for folder in (scratch, "/dev/shm", "/dev/pts"):
        _checked(libc.umount2(os.fsencode(folder), DETACH))
    mount("devpts", "/dev/pts", NO_SETUID | NO_PROGRAMS, "newinstance,ptmxmode=0666,mode=620")
    for folder in (scratch, "/dev/shm"):
        mount("tmpfs", folder, NO_SETUID | NO_DEVICES, f"mode=1777,size={scratch_bytes}")
    os.chdir(scratch)
    os.mkdir(".matplotlib")
    os.chmod(".matplotlib", 0o777)
    for name, content in fonts.items():
        Path(".matplotlib", name).write_bytes(content)


def watch(inside: int, refused: bytes, status: int, tell: int) -> None:
    """The first process: reaps, and ends with the second, whose exit code it tells. The kernel ends the rest then."""
    no_rights()
    prctl(PR_SET_PDEATHSIG, SIGKILL)
    refuse(refused)
    os.closerange(0, status)
    os.closerange(status + 1, tell)
    os.write(tell, b"+")
    os.close(tell)
    while True:
        ended, how = os.wait()
        if ended == inside:
            code = os.waitstatus_to_exitcode(how)
            code = code if code >= 0 else 128 - code  # as a shell, and bubblewrap, tell of a signal
            os.write(status, bytes([code]))
            os._exit(code)


def become_nobody(user: int, resources: dict[str, int], refused: bytes) -> None:
    """Limits, user, rights, filter."""
    if not user:
        outer_user, outer_group = os.geteuid(), os.getegid()
        unshare(NEW_USERS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{NOBODY} {outer_user} 1")
        Path("/proc/self/gid_map").write_text(f"{NOBODY} {outer_group} 1")
    os.umask(0o077)
    for name, value in resources.items():
        if hasattr(resource, name):
            most = resource.getrlimit(getattr(resource, name))[1]
            value = value if most == resource.RLIM_INFINITY else min(value, most)
            resource.setrlimit(getattr(resource, name), (value, value))
    no_rights(user)
    prctl(PR_SET_DUMPABLE, 1)  # its own files in /proc are its own again
    refuse(refused)


def no_rights(user: int = 0) -> None:
    """No capability, and no way to one; as `user`, if that is another."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), *[ctypes.c_ulong(0)] * 3):
            if ctypes.get_errno() == EINVAL:
                break  # the kernel knows no more
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _checked(libc.capset(struct.pack("Ii", CAPABILITIES, 0), bytes(24)))
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def refuse(program: bytes) -> None:
    """Load the filter of system calls (autograder/jail_filter.py); none on a machine that it does not know."""
    if program:
        steps = ctypes.create_string_buffer(program, len(program))
        fprog = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(steps)))
        prctl(PR_SET_SECCOMP, SECCOMP_FILTER, ctypes.c_ulong(ctypes.addressof(fprog)), *[ctypes.c_ulong(0)] * 2)
