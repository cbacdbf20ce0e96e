"""Two submissions that are forks of one process: what one of them does, has or is, the other has nothing of."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from attention_lab.observation import Reported

from autograder import jail, warm
from autograder.forks import ColdStart, Forks
from autograder.jail_processes import tree
from autograder.jail_view import SCRATCH, environment
from autograder.lesson import PROJECT
from autograder.session import INSIDE, Limits, open_session

MOST_SERVED = 8  # by autograder/zygote.py, which only runs inside
LIMITS = Limits(cell_seconds=20, notebook_seconds=40, call_seconds=5)
ASK = "import ctypes, os, socket, subprocess, sys\ndef ask(source):\n    return eval(source)"


def begun(source: str = "", limits: Limits = LIMITS):
    """A session that begins warm."""
    session = open_session([("ask", ASK), ("cell", source)], limits)
    assert session._jailed.ours == 1
    return session


@pytest.fixture(scope="module", autouse=True)
def possible():
    if (why := jail.why_no_jail()) is not None:
        pytest.skip(why.splitlines()[0])
    with open_session([]) as session:
        if session._jailed.ours != 1:
            pytest.skip(f"no submission can begin warm here: {warm.failures[-1]}")


@pytest.fixture
def two():
    """Two sessions at once, and a function that asks both."""
    with begun() as first, begun() as second:
        yield first, second


@pytest.fixture
def afresh():
    """No zygote, and no failure remembered; before and after."""
    for _ in range(2):
        warm._close_all()
        warm.failures.clear()
        if _ == 0:
            yield


def asked(session, source: str):
    try:
        return session.function("ask")(source)
    except Reported as error:
        return error.failure.kind


def gone(pids) -> bool:
    for _ in range(100):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def zygote():
    """The process that loads and forks, as seen from here."""
    (bwrap, inner, python) = tree(warm._zygotes[jail._own_user()]._process.pid)[:3]
    return python


# What two submissions share: nothing


@pytest.mark.parametrize("kind", ["pid", "mnt", "ipc", "uts", "net"])
def test_each_has_namespaces_of_its_own(two, kind):
    first, second = (asked(session, f"os.readlink('/proc/self/ns/{kind}')") for session in two)
    assert first != second
    assert os.readlink(f"/proc/self/ns/{kind}") not in (first, second)


def test_each_has_a_user_or_a_user_namespace_of_its_own(two):
    who = "(os.getuid(), os.readlink('/proc/self/ns/user'))"
    first, second = (asked(session, who) for session in two)
    assert first != second


def test_a_user_namespace_of_its_own_where_graders_are_not_root(monkeypatch, afresh):
    monkeypatch.setattr(jail, "_own_user", lambda: False)
    with begun() as first, begun() as second:
        spaces = {asked(session, "os.readlink('/proc/self/ns/user')") for session in (first, second)}
        assert len(spaces | {os.readlink("/proc/self/ns/user")}) == 3
        for session in (first, second):
            assert asked(session, "[int(pid) for pid in os.listdir('/proc') if pid.isdigit()]") == [1, 2]
            assert asked(session, "open('/proc/1/environ').read()") == "PermissionError"
            assert asked(session, "os.readlink('/proc/1/fd/3')") == "PermissionError"
            assert asked(session, "open('/proc/1/fd/3', 'wb')") == "PermissionError"
            assert asked(session, "open('/proc/1/mem', 'r+b')") == "PermissionError"
            assert asked(session, "os.kill(1, 9)") is None
            assert asked(session, "os.kill(1, 2)") is None
            assert asked(session, "1 + 1") == 2


@pytest.mark.parametrize("folder", [".", "/dev/shm"])
def test_a_file_of_one_is_not_there_for_the_other_nor_for_the_next(two, folder):
    first, second = two
    assert asked(first, f"open('{folder}/mine', 'w').write('mine')") == 4
    assert asked(first, f"os.path.exists('{folder}/mine')") is True
    assert asked(second, f"os.path.exists('{folder}/mine')") is False
    with begun() as third:
        assert asked(third, f"os.path.exists('{folder}/mine')") is False


def test_the_scratch_folder_begins_as_it_does_cold():
    listed = "sorted(name for name in os.listdir('.') if name != '.ipython'), os.getcwd(), os.listdir('.matplotlib')"
    with begun() as session, open_session([("ask", ASK)], replace(LIMITS, warm=False)) as cold:
        assert asked(session, f"({listed})") == asked(cold, f"({listed})")


def test_terminals_and_sockets_without_a_path_are_no_way_from_one_to_the_other(two):
    first, second = two
    source = "[os.openpty(), setattr(sys, 'kept', socket.socket(socket.AF_UNIX)), sys.kept.bind('\\0meet')][2]"
    assert asked(first, source) is None
    assert "0" in asked(first, "os.listdir('/dev/pts')")
    assert asked(second, "os.listdir('/dev/pts')") == ["ptmx"]
    assert asked(second, "socket.socket(socket.AF_UNIX).connect('\\0meet')") == "ConnectionRefusedError"


def test_what_one_does_to_a_module_is_not_seen_by_the_other_nor_by_the_next(two):
    spoil = "import numpy as np, torch, base64, builtins\nnp.exp = torch.exp = base64.b64encode = 'spoilt'\n"
    spoil += "builtins.ascii = 'spoilt'"
    look = (
        "str(__import__('numpy').exp) + str(__import__('torch').exp) + str(__import__('base64').b64encode) + str(ascii)"
    )
    with begun(spoil) as spoilt:
        assert asked(spoilt, look).count("spoilt") == 4
        for session in (*two, third := begun()):
            assert "spoilt" not in asked(session, look)
        third.close()


def test_random_numbers_are_each_ones_own(two):
    for draw in (
        "__import__('numpy').random.random(3).tolist()",
        "__import__('torch').rand(3).tolist()",
        "[__import__('random').random() for _ in range(3)]",
        "__import__('numpy').random.default_rng().random(3).tolist()",
        "os.urandom(8).hex()",
        "__import__('multiprocessing').current_process().authkey.hex()",
        "next(__import__('tempfile')._get_candidate_names())",
    ):
        first, second = (asked(session, draw) for session in two)
        assert isinstance(first, list | str) and first != second, draw


def test_a_word_s_hash_is_what_it_is_cold():
    with begun() as session, open_session([("ask", ASK)], replace(LIMITS, warm=False)) as cold:
        assert asked(session, "hash('text')") == asked(cold, "hash('text')")


def test_one_thread_runs_in_a_submission_and_torch_uses_no_more(two):
    assert asked(two[0], "len(os.listdir('/proc/self/task'))") == 1
    work = "__import__('torch').ones(701, 701).matmul(__import__('torch').ones(701, 701))[0, 0].item()"
    assert asked(two[0], work) == 701
    assert asked(two[0], "__import__('torch').get_num_threads()") == 1
    assert asked(two[0], "len(os.listdir('/proc/self/task'))") == 1


def test_no_memory_that_could_be_written_is_mapped_by_both(two):
    shared = "[line for line in open('/proc/self/maps') if line.split()[1][1] == 'w' and line.split()[1][3] == 's']"
    assert asked(two[0], shared) == []


def test_no_descriptor_but_its_own_is_open():
    every = "[f'/proc/self/fd/{n}' for n in sorted(os.listdir('/proc/self/fd'), key=int)]"
    opened = f"[os.readlink(path) for path in {every} if os.path.islink(path)]"
    with begun() as session:
        first, *rest = asked(session, opened)
        assert held_by(session._jailed.process.pid) in (1, None)  # at which the first process tells the exit code
    assert first == "/dev/null" and len(rest) == 6
    assert {name.split(":")[0].split(" ")[0] for name in rest} == {
        "/home/learner/.stdout",
        "/home/learner/.stderr",
        "pipe",
    }


def test_it_has_no_right_left_and_its_first_process_none(two):
    status = asked(two[0], "open('/proc/self/status').read()") + asked(two[0], "open('/proc/1/status').read()")
    fields = [line.split(":\t") for line in status.splitlines() if line.startswith(("Cap", "NoNewPrivs", "Seccomp:"))]
    assert len(fields) == 14
    assert {int(value, 16) for name, value in fields if name.startswith("Cap")} == {0}
    assert {value for name, value in fields if name == "NoNewPrivs"} == {"1"}
    assert {value for name, value in fields if name == "Seccomp"} == {"2"}


@pytest.mark.parametrize(
    "call",
    ["libc.unshare(0x10000000)", "libc.setns(3, 0)", "libc.umount2(b'/proc', 2)", "libc.umount2(b'/home/learner', 2)"]
    + ["libc.mount(b'none', b'/proc', b'proc', 0, None)", "libc.ptrace(16, 1, 0, 0)"],
)
def test_the_way_back_is_closed(two, call):
    assert asked(two[0], f"[libc := ctypes.CDLL(None, use_errno=True), {call}, ctypes.get_errno()][1:]") == [-1, 38]


# What the zygote is


def held_by(pid: int) -> int | None:
    """How many descriptors are open there; None where only root may know."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return None


def test_the_zygote_holds_no_seed_no_sheet_and_no_learner_s_word():
    with begun("word = 'learner-' + '3f9a' * 3") as session:
        assert asked(session, "word") == "learner-3f9a3f9a3f9a"
        os.environ["PRIVATE_SEED_CANARY"] = "canary-51c7"
        try:
            with begun():
                held = memory_of(zygote())
        finally:
            del os.environ["PRIVATE_SEED_CANARY"]
    for secret in (
        b"learner-3f9a3f9a3f9a",
        b"canary-51c7",
        b"def ask(source)",
        b"solutions.intuition",
        b"private_seed",
    ):
        assert secret not in held
    assert b"matplotlib" in held
    with begun() as session:
        loaded = "[n for n in sys.modules if n.split('.')[0] in ('attention_lab', 'solutions', 'autograder')]"
        assert not [name for name in asked(session, loaded) if "sheets" in name or not name.startswith("attention_lab")]


def memory_of(pid: int) -> bytes:
    """All that a process could write, which only root may read."""
    parts = []
    try:
        with open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                bounds, rights = line.split()[:2]
                if rights.startswith("rw"):
                    first, last = (int(bound, 16) for bound in bounds.split("-"))
                    memory.seek(first)
                    parts.append(memory.read(last - first))
    except PermissionError:
        pytest.skip("another process's memory is for root to read")
    return b"".join(parts)


def test_the_zygote_has_no_network_and_none_of_our_files_or_variables():
    with begun():
        pid = zygote()
        with open(f"/proc/{pid}/net/dev") as devices:
            assert len(devices.read().splitlines()) == 3
        assert set(os.listdir(f"/proc/{pid}/root/jail")) == {path.name for path in (*warm.INSIDE, *INSIDE)}
        assert set(os.listdir(f"/proc/{pid}/root{PROJECT}")) <= {"lessons", "data", ".venv"}
        variables = Path(f"/proc/{pid}/environ").read_text().strip("\0").split("\0")
        assert {v.split("=")[0] for v in variables} == {*environment(SCRATCH), "PWD"}


def test_it_is_started_once_and_forks_do_not_pile_up(afresh):
    with begun():
        first = zygote()
    for _ in range(7):
        begun().close()
    with begun():
        assert zygote() == first
        assert len(tree(first)) == 3  # itself, and the two processes of one submission
        assert (held_by(first) or 0) <= 8


# How they end


def test_killing_one_leaves_the_other(two):
    first, second = two
    pids = tree(first._jailed.process.pid)
    first.close()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert asked(second, "1 + 1") == 2
    with begun() as third:
        assert asked(third, "1 + 1") == 2


def test_the_exit_code_is_told_as_it_is_cold():
    ended = []
    for source in ("import os; os._exit(7)", "import os; os.kill(os.getpid(), 11)"):
        for limits in (LIMITS, replace(LIMITS, warm=False)):
            with open_session([("cell", source)], limits) as session:
                ended.append(session.ended)
    assert ended[0] == ended[1] == "This notebook ended Python itself (exit code 7), and was stopped."
    assert ended[2] == ended[3] == "This notebook ended Python itself (exit code 139), and was stopped."


OWNER = """
import json, sys, time
from autograder import jail, warm
from autograder.jail_processes import tree
from autograder.session import open_session
sessions = [open_session([("a", "x = 1")]) for _ in range(2)]
zygote = warm._zygotes[jail._own_user()]._process.pid
print(json.dumps(tree(zygote)), flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None], ids=["killed", "ended", "at its own end"])
def test_the_zygote_and_its_forks_die_with_their_owner(how):
    last = "time.sleep(60)" if how else ""
    with subprocess.Popen([sys.executable, "-c", OWNER + last], stdout=subprocess.PIPE) as owner:
        pids = json.loads(owner.stdout.readline())
        if how:
            owner.send_signal(how)
    assert len(pids) == 3 + 2 * 2
    assert gone(pids)


def test_a_zygote_that_was_killed_is_replaced(afresh):
    with begun() as session:
        os.kill(zygote(), signal.SIGKILL)
        session._jailed.process.wait(20)
        assert asked(session, "1 + 1") == "Stopped"  # it goes with what it was forked from
    with begun() as session:
        assert asked(session, "1 + 1") == 2


def test_a_zygote_that_is_deaf_keeps_no_submission_from_its_end(afresh):
    with begun() as session:
        pid = zygote()
        os.kill(pid, signal.SIGSTOP)
        session.close()
    os.kill(pid, signal.SIGCONT)
    with begun() as session:
        assert asked(session, "1 + 1") == 2


def test_a_process_that_we_fork_has_a_zygote_of_its_own(afresh):
    with begun() as ours:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with begun() as session:
                    code = 0 if asked(session, "1 + 1") == 2 and len(warm._zygotes) == 1 else 2
                warm._close_all()
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert asked(ours, "1 + 1") == 2


# Other processes that use it, as Dask's workers do

WORKER = """
import json, sys, time
from autograder import jail, warm
from autograder.jail_processes import tree
from autograder.session import open_session
jail._try = None  # whoever was told of a zygote tries no jail
session = open_session([("a", "def ask(source): return eval(source)")])
kind = type(warm._zygotes[jail._own_user()]).__name__
print(json.dumps([kind, session.function("ask")("1 + 1"), tree(session._jailed.process.pid)]), flush=True)
"""


def worker(variables: dict, last: str) -> tuple[subprocess.Popen, list]:
    """A process that grades one submission, and what it says of that."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER + last], stdout=subprocess.PIPE, env=os.environ | variables, text=True
    )
    return process, json.loads(process.stdout.readline())


def test_another_process_uses_our_zygote_and_its_forks_end_with_it(afresh):
    with begun() as ours:
        busy = "session.function('ask')('__import__(\"time\").sleep(15)')"
        process, (kind, answer, pids) = worker(warm.offer(), busy)
        assert (kind, answer) == ("Forks", 2)
        assert set(pids) < set(tree(zygote()))
        time.sleep(0.5)  # until it has been asked
        process.kill()
        assert gone(pids)
        process.wait()
        assert asked(ours, "1 + 1") == 2
        assert len(tree(zygote())) == 3


def test_a_zygote_that_is_gone_or_serves_enough_is_not_waited_for(afresh):
    with begun():
        offer = warm.offer()
        address = warm._zygotes[jail._own_user()].address
        others = [Forks(address) for _ in range(MOST_SERVED - 1)]
        process, (kind, answer, pids) = worker(offer, "session.close()")
        assert (kind, answer, process.wait(20)) == ("Zygote", 2, 0)
        for other in others:
            other.greet()
            other.close()
        process, (kind, _, _) = worker(offer, "session.close()")
        assert (kind, process.wait(20)) == ("Forks", 0)
    warm._close_all()
    process, (kind, answer, pids) = worker(offer, "session.close()")
    assert (kind, answer, process.wait(20)) == ("Zygote", 2, 0)


def test_the_zygote_serves_no_other_user_and_no_submission(afresh):
    source = "[s := socket.socket(1, 5), s.connect({!r})]"
    with begun() as session:
        address = warm._zygotes[jail._own_user()].address
        assert asked(session, source.format(address)) == "ConnectionRefusedError"
        if os.geteuid() == 0:
            child = os.fork()
            if child == 0:
                os.setresuid(12345, 12345, 12345)
                try:
                    Forks(address).greet()
                except ColdStart:
                    os._exit(7)
                os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert asked(session, "1 + 1") == 2


def test_where_no_fork_can_be_had_it_begins_cold_and_says_why(afresh, monkeypatch, caplog):
    monkeypatch.setattr(warm, "RIGHTS", ())
    monkeypatch.setattr(warm, "MOST_FAILURES", 2)
    for _ in range(3):
        with open_session([("ask", ASK)], LIMITS) as session:
            assert session._jailed.ours == 2
            assert asked(session, "1 + 1") == 2
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == warm.MOST_FAILURES
    assert said[0].startswith("A submission begins cold, which takes longer: [Errno 1] Operation not permitted")


def test_a_fork_that_cannot_enter_its_jail_runs_nothing(afresh, monkeypatch):
    monkeypatch.setattr(warm, "RIGHTS", tuple(right for right in warm.RIGHTS if right != "CAP_SETPCAP"))
    with open_session([("ask", ASK)], LIMITS) as session:
        assert session._jailed.ours == 2
        assert warm.failures
