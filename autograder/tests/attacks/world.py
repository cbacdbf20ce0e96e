"""A world with something to steal, to break and to call: a class, a home, processes, sockets, and planted words.

Covers what an attack could read (canaries), change (a watched tree, shared places), leave running, and connect to.
"""

import os
import secrets as randomness
import socket
import sqlite3
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from autograder.lesson import PROJECT
from autograder.tests.attacks.attack import Secrets

SHARED = (
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/run",
    "/run/lock",
    "/dev/mqueue",
    "/etc",
    "/usr/lib",
    "/usr/local/bin",
    "/root",
)
WATCHED_CODE = (PROJECT / "lessons" / "attention_lab", PROJECT / "solutions")
VARIABLE = "ATTENTION_LAB_TEST_TOKEN"  # stands in the environment of the grading processes


@dataclass
class World:
    """Everything planted under `root`; `canaries` by where each lies, `arrived` whatever reached a socket."""

    root: Path
    canaries: dict[str, str]
    port: int = 0
    abstract_socket: str = ""
    arrived: list[bytes] = field(default_factory=list)

    @property
    def classroom(self) -> Path:
        return self.root / "class"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def placed(self) -> Path:
        """Where attacks put what is no plain file."""
        return self.root / "placed"

    def submitted(self, learner: str) -> Path:
        return self.classroom / "submitted" / learner / "01_intuition" / "01_intuition.ipynb"

    def told(self, mark: str, grader: int) -> Secrets:
        """What an attacker knows; never a canary."""
        return Secrets(
            mark=mark,
            project=str(PROJECT),
            site_packages=sysconfig.get_path("purelib"),
            classroom=str(self.classroom),
            private_seed=str(self.classroom / "private_seed"),
            gradebook=str(self.classroom / "gradebook.db"),
            neighbour=str(self.submitted("bea")),
            home_file=str(self.home / "secret.txt"),
            grader=grader,
            port=self.port,
            socket=str(self.root / "socket"),
            abstract_socket=self.abstract_socket,
        )

    def tree(self) -> dict[str, tuple]:
        """What is watched: for every file its bytes or date, its kind, rights and owner."""
        seen = {}
        for top in (self.classroom, self.home, *WATCHED_CODE):
            for path in sorted(top.rglob("*")):
                if "__pycache__" in path.parts:
                    continue
                status = path.lstat()
                content = path.read_bytes() if self.root in path.parents and path.is_file() else status.st_mtime_ns
                seen[str(path)] = (content, status.st_mode, status.st_uid, status.st_nlink)
        return seen

    def traces(self, mark: str) -> list[str]:
        """Files with this mark in shared places, and processes that carry it (after a moment of grace)."""
        places = [
            *SHARED,
            sysconfig.get_path("purelib"),
            *map(str, WATCHED_CODE),
            str(PROJECT),
            str(PROJECT / "autograder"),
        ]
        files = [
            f"{place}/{name}" for place in places if os.path.isdir(place) for name in os.listdir(place) if mark in name
        ]
        files += [f"/root/{name}" for name in (".bashrc", ".profile") if mark in _text(Path("/root", name))]
        patience = time.monotonic() + 2
        while (processes := list(_processes(mark))) and time.monotonic() < patience:
            time.sleep(0.1)
        return files + processes


@contextmanager
def planted(root: Path) -> Iterator[World]:
    """A world under `root`, listening until the end of the block."""
    canaries = {
        place: f"canary-{randomness.token_hex(12)}" for place in ("gradebook", "neighbour", "home", "environment")
    }
    world = World(root, canaries, abstract_socket=f"attention-lab-{randomness.token_hex(6)}")
    canaries["private seed"] = str(randomness.randbits(128))
    world.classroom.mkdir()
    world.home.mkdir()
    seed = world.classroom / "private_seed"
    seed.write_text(canaries["private seed"])
    seed.chmod(0o600)
    (world.home / "secret.txt").write_text(canaries["home"])
    with sqlite3.connect(world.classroom / "gradebook.db") as gradebook:
        gradebook.execute("create table grade (learner text, points real)")
        gradebook.execute("insert into grade values (?, 4.0)", [canaries["neighbour"]])
        gradebook.execute("insert into grade values (?, 4.0)", [canaries["gradebook"]])
    gradebook.close()
    world.submitted("bea").parent.mkdir(parents=True)
    world.submitted("bea").write_text('{"cells": [{"source": "# ' + canaries["neighbour"] + '"}]}')
    canaries |= {f"a line of {path}": line for path, line in _lines_of_ours()}
    with _listening(world):
        yield world


def _lines_of_ours() -> Iterator[tuple[str, str]]:
    """Lines that only stand in references and in the grader, and in nothing that a learner has."""
    handed_out = (PROJECT / "lessons" / "01_intuition.ipynb").read_text()
    for path in ("solutions/intuition.py", "autograder/grading.py", "autograder/exercises/intuition.py"):
        for line in map(str.strip, (PROJECT / path).read_text().splitlines()):
            if (
                len(line) > 30
                and line.startswith(("def ", "from autograder", "scores = ", "return exp"))
                and line not in handed_out
            ):
                yield path, line


@contextmanager
def _listening(world: World) -> Iterator[None]:
    """Real sockets on this machine: TCP and UDP on loopback, one with a path, one with an abstract name."""
    tcp, udp = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    world.port = tcp.getsockname()[1]
    udp.bind(("127.0.0.1", world.port))
    lines = [tcp, udp]
    for address in (str(world.root / "socket"), "\0" + world.abstract_socket):
        lines.append(socket.socket(socket.AF_UNIX))
        lines[-1].bind(address)
        lines[-1].listen()
    for line in lines:
        threading.Thread(target=_hear, args=(line, world.arrived), daemon=True).start()
    try:
        yield
    finally:
        for line in lines:
            line.close()


def _hear(line: socket.socket, arrived: list[bytes]) -> None:
    while True:
        try:
            if line.type == socket.SOCK_DGRAM:
                arrived.append(line.recv(100))
                continue
            caller, _ = line.accept()
            with caller:
                caller.settimeout(2)
                arrived.append(b"someone connected")
                arrived.append(caller.recv(100))
        except TimeoutError:
            continue
        except OSError:
            return


def _processes(mark: str) -> Iterator[str]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            line = (_text(entry / "cmdline") + _text(entry / "comm")).replace("\0", " ").strip()
            if mark in line:
                yield f"process {entry.name}: {line[:200]}"


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
