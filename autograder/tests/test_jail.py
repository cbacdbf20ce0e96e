"""Hostile cells in a real jail: what they cannot read, write or reach, and how each of them ends.

All of it cold and warm. Skipped where no jail can be had, but for the sentence that says so.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attention_lab.observation import Reported

from autograder import jail
from autograder.jail_process import Limits
from autograder.jail_processes import tree
from autograder.lesson import PROJECT
from autograder.problem import Problem
from autograder.session import open_session

pytestmark = pytest.mark.usefixtures("beginning")
needs_jail = pytest.mark.skipif(jail.why_no_jail() is not None, reason="no jail can be had here")
SHORT = Limits(
    cell_seconds=2,
    notebook_seconds=8,
    call_seconds=2,
    memory_mb=400,
    processes=24,
    output_mb=0.2,
    file_mb=8,
    scratch_mb=16,
)
SECRET = "canary-7f3d51"


def run(source: str, limits: Limits = SHORT):
    """A session that executes `source`, and after it a cell that tells whether Python still runs."""
    return open_session([("attack", source), ("next", "alive = 1")], limits)


def printed(session, cell="attack") -> str:
    return "".join(output.get("text", "") for output in session.outputs.get(cell, []))


def runs(pid: int) -> bool:
    """Whether it exists and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


@pytest.fixture(scope="module")
def inside(beginning):
    """Evaluates an expression in a jail: its value, or the name of what it raises."""
    cells = [("tools", "import ctypes, os, signal, socket, subprocess, sys\nlibc = ctypes.CDLL(None, use_errno=True)")]
    with open_session([*cells, ("ask", "def ask(source):\n    return eval(source)")]) as session:
        ask = session.function("ask")

        def answer(source):
            try:
                return ask(source)
            except Reported as error:
                return error.failure.kind

        yield answer


# What cannot be seen


@needs_jail
@pytest.mark.parametrize("package", ["solutions", "autograder", "solutions.intuition", "autograder.exercises"])
def test_neither_references_nor_grading_can_be_imported(inside, package):
    assert inside(f"__import__({package!r})") == "ModuleNotFoundError"
    assert inside("__import__('attention_lab').__name__") == "attention_lab"


@needs_jail
def test_of_the_project_only_the_package_of_the_lessons_and_the_data_are_there(inside):
    assert set(inside(f"os.listdir({str(PROJECT)!r})")) <= {"lessons", "data", ".venv"}
    assert inside(f"os.listdir({str(PROJECT / 'lessons')!r})") == ["attention_lab"]


@needs_jail
def test_a_file_outside_is_found_nowhere(tmp_path, inside):
    (tmp_path / SECRET).write_text(SECRET)
    (tmp_path / SECRET).chmod(0o644)
    assert inside(f"open({str(tmp_path / SECRET)!r}).read()") == "FileNotFoundError"
    find = f"subprocess.run(['find', '/', '-name', 'lib', '-prune', '-o', '-name', '{SECRET}', '-print'], stdout=-1)"
    assert inside(f"{find}.stdout.decode()") == ""
    ours = {path.parts[1] for path in (PROJECT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve())}
    assert not ({"tmp", "root/.ssh", "var"} - ours) & set(inside("os.listdir('/')"))
    assert inside("os.path.exists('/root/.bashrc') or os.path.exists('/etc/shadow')") is False


@needs_jail
def test_no_variable_of_ours_arrives_by_any_way(monkeypatch):
    monkeypatch.setenv("SECRET", SECRET)
    source = """
import glob
for name in glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline') + glob.glob('/proc/*/maps'):
    try:
        print(open(name).read())
    except OSError as error:
        print(error)
import os; print(os.environ)
"""
    with run(source) as session:
        assert "HOME=" in printed(session)
        assert SECRET not in printed(session)
        assert "private_seed" not in printed(session)


@needs_jail
def test_no_file_of_ours_is_open_there(tmp_path):
    (tmp_path / "gradebook").write_text(SECRET)
    with (tmp_path / "gradebook").open() as ours:
        os.set_inheritable(ours.fileno(), True)
        with run(
            "import os\nprint({os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')[:-1]})"
        ) as s:
            shown = printed(s)
    assert "gradebook" not in shown and str(tmp_path) not in shown
    with run("import os, subprocess, sys\n!ls -l /proc/self/fd") as session:
        assert "pipe:" not in printed(session)


@needs_jail
def test_only_its_own_processes_are_there(inside):
    pids = inside("[int(pid) for pid in os.listdir('/proc') if pid.isdigit()]")
    assert len(pids) == 2 and 1 in pids
    assert inside("socket.gethostname()") == "jail"
    if os.geteuid() == 0:
        assert inside("os.getuid()") >= 1_900_000_000
        assert inside("open('/proc/1/environ').read()") == "PermissionError"


@needs_jail
def test_there_is_no_network(inside):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        assert inside(f"socket.create_connection(('127.0.0.1', {port}), timeout=1)") in (
            "ConnectionRefusedError",
            "OSError",
        )
    assert inside("socket.create_connection(('192.0.2.1', 80), timeout=1)") == "OSError"
    assert inside("len(open('/proc/net/dev').read().splitlines())") == 3  # two of headings, and lo


# What cannot be changed


@needs_jail
@pytest.mark.parametrize(
    "folder",
    [
        "/",
        "/dev",
        "/etc",
        "/jail",
        "/usr/lib",
        sys.prefix + "/lib",
        str(PROJECT),
        str(PROJECT / "lessons/attention_lab"),
    ]
    + [str(PROJECT / "data"), "/proc/sys/kernel", "/home"],
)
def test_nothing_outside_the_scratch_folder_can_be_written(inside, folder):
    assert inside(f"open({folder + '/new'!r}, 'w')") in ("OSError", "PermissionError", "FileNotFoundError")
    assert not Path(folder, "new").exists()
    assert inside("open(os.path.expanduser('~/new'), 'w').write('mine')") == 4


@needs_jail
def test_the_kernel_s_settings_are_out_of_reach(inside):
    for name in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/self/oom_adj/x"):
        assert inside(f"open({name!r}, 'w')") in (
            "OSError",
            "PermissionError",
            "FileNotFoundError",
            "NotADirectoryError",
        )


@needs_jail
@pytest.mark.parametrize(
    "call",
    ["libc.unshare(0x10000000)", "libc.ptrace(0, 0, 0, 0)", "libc.setns(3, 0)", "libc.memfd_create(b'x', 0)"]
    + ["libc.mount(b'/', b'/home', b'', 4096, None)", "libc.shmget(0, 4096, 0o1600)", "libc.syscall(250, 0)"],
)
def test_calls_that_nobody_needs_are_refused(inside, call):
    assert inside(f"({call}, ctypes.get_errno())") == (-1, 38)


@needs_jail
def test_there_are_no_rights_to_gain(inside):
    status = inside("open('/proc/self/status').read()")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == int(fields["CapAmb"], 16) == 0
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    assert inside("os.setuid(0)") in ("PermissionError", "OSError")


# How it ends


@needs_jail
def test_signals_reach_nobody_outside():
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        source = "import os, signal\nfor pid in [1, os.getppid(), {}]:\n    try:\n        os.kill(pid, 9)\n"
        source += "    except OSError as error:\n        print(error)\nos.kill(-1, 9)"
        with run(source.format(bystander.pid)) as session:
            assert bystander.poll() is None
            assert session.value("alive") == 1  # kill(-1) reached all others of its own, of which there are none
    finally:
        bystander.kill()
        bystander.wait()


@needs_jail
def test_a_loop_that_swallows_every_interrupt_is_ended_in_time():
    source = "import time\nwhile True:\n    try:\n        while True: time.sleep(0.001)\n    except BaseException: pass"
    began = time.monotonic()
    with run(source) as session:
        assert time.monotonic() - began < 15
        assert session.ended == "This notebook went on when one cell had taken 2 seconds, and was stopped."
        with pytest.raises(Reported, match="went on"):
            session.value("alive")


@needs_jail
def test_ignoring_every_signal_helps_nobody():
    source = "import signal, time\nfor n in range(1, 64):\n    try: signal.signal(n, signal.SIG_IGN)\n"
    began = time.monotonic()
    with run(source + "    except (OSError, ValueError): pass\ntime.sleep(60)") as session:
        assert "was stopped" in session.ended
    assert time.monotonic() - began < 15


@needs_jail
@pytest.mark.parametrize(
    "source",
    [
        "import os; os._exit(0)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import ctypes; ctypes.string_at(0)",
        "import os\nfor fd in range(3, 256):\n    try: os.close(fd)\n    except OSError: pass",
    ],
    ids=["exit", "kill", "crash", "close"],
)
def test_whoever_stops_python_gets_a_sentence(source):
    began = time.monotonic()
    with run(source) as session:
        assert session.ended.startswith(("This notebook ended Python", "This notebook closed the way"))
        with pytest.raises(Reported, match="was stopped"):
            session.function("softmax")([1.0])
    assert time.monotonic() - began < 5


@needs_jail
@pytest.mark.parametrize("how", ["raise SystemExit", "exit()", "quit()", "raise KeyboardInterrupt", "%reset -f"])
def test_leaving_a_cell_does_not_end_the_others(how):
    with run(how) as session:
        assert (session.ended, session.value("alive")) == ("", 1)


@needs_jail
def test_children_threads_and_exit_handlers_do_not_outlive_the_session():
    source = """
import atexit, os, threading, time
atexit.register(lambda: open('/dev/shm/late', 'w'))
threading.Thread(target=time.sleep, args=(1000,)).start()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
"""
    with run(source) as session:
        assert session.value("alive") == 1
        pids = tree(session._jailed.process.pid)
        assert len(pids) >= session._jailed.ours + 2
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@needs_jail
def test_a_forked_child_that_comes_back_does_not_answer_for_its_parent():
    with run("import os\npid = os.fork()\nmine = os.getpid()") as session:
        assert session.value("alive") == 1
        assert session.value("pid") > 0


@needs_jail
def test_the_jail_dies_with_whoever_opened_it(beginning):
    source = "import time, os\nfrom autograder.session import Limits, open_session\n"
    source += f"s = open_session([('a', 'x = 1')], Limits(warm={beginning == 'warm'}))\n"
    source += "print(s._jailed.process.pid, flush=True)\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as grader:
        pids = tree(int(grader.stdout.readline()))
        grader.kill()
    assert len(pids) == (2 if beginning == "warm" else 3)
    for _ in range(100):
        if not any(runs(pid) for pid in pids):
            return
        time.sleep(0.05)
    pytest.fail("something outlived it")


# Bombs


@needs_jail
def test_a_fork_bomb_is_confined():
    source = "import os, time\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.2)"
    began = time.monotonic()
    with run(source) as session:
        pids = tree(session._jailed.process.pid)
        assert len(pids) <= SHORT.processes + 2
    assert time.monotonic() - began < 15
    assert not [pid for pid in pids[1:] if Path(f"/proc/{pid}").exists()]


@needs_jail
def test_more_processes_than_allowed_cannot_be_made():
    source = """
import os, time
made = 0
for _ in range(100):
    try:
        if os.fork() == 0:
            time.sleep(9)
            os._exit(0)
    except OSError:
        break
    made += 1
"""
    with run(source) as session:
        made = session.value("made") if not session.ended else 0
        assert made < SHORT.processes
        if os.geteuid() == 0:
            assert made > 5


@needs_jail
def test_one_huge_array_is_a_memory_error_of_the_learner_s():
    with run("import numpy as np\nx = np.ones(10**10)") as session:
        assert session.ended == ""
        assert "Unable to allocate 74.5 GiB" in str(session.outputs["attack"])
        assert session.value("alive") == 1


@needs_jail
def test_more_memory_than_allowed_ends_the_notebook():
    with run("import numpy as np\nkept = []\nwhile True: kept.append(np.ones(10**6))") as session:
        assert session.ended == "This notebook used more than 400 MB of memory, and was stopped."


@needs_jail
def test_memory_of_several_processes_counts_together():
    source = "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
    source += "        x = bytearray(os.urandom(1000)) * 80_000; time.sleep(9); os._exit(0)\ntime.sleep(9)"
    with run(source) as session:
        assert session.ended == "This notebook used more than 400 MB of memory, and was stopped."


@needs_jail
@pytest.mark.parametrize("folder", [".", "/dev/shm"])
def test_a_disk_bomb_fills_the_scratch_folder_and_nothing_else(folder):
    source = f"made = 0\nfor n in range(100):\n    open(f'{folder}/{{n}}', 'wb').write(bytes(2**20)); made += 1"
    with run(source) as session:
        assert session.ended == ""
        assert 8 <= session.value("made") <= SHORT.scratch_mb


@needs_jail
def test_no_file_grows_beyond_its_limit():
    with run(
        "made = 0\nwith open('big', 'wb', 0) as file:\n    while True: made += file.write(bytes(2**20))"
    ) as session:
        assert session.value("made") == SHORT.file_mb * 2**20


@needs_jail
@pytest.mark.parametrize(
    "source",
    [
        "for _ in range(10**6): print('x' * 1000)",
        "!yes",
        "import os\nwhile True: os.write(2, b'x' * 1000)",
        "for _ in range(50): display({'text/html': 'x' * 100_000}, raw=True)",
        "'\\x01' * 10**6",
    ],
    ids=["print", "program", "descriptor", "display", "result"],
)
def test_an_output_bomb_is_cut_short(source):
    with run(source) as session:
        assert len(str(session.outputs["attack"])) < 10 * SHORT.output_mb * 2**20
        assert "Too much output" in str(session.outputs["attack"])
        assert session.value("alive") == 1


# The sentence where there is none


@pytest.fixture
def afresh():
    """Makes `why_no_jail` look again, before and after."""
    jail._tried.clear()
    yield
    jail._tried.clear()


def test_without_bubblewrap_grading_refuses_and_says_what_to_install(afresh, monkeypatch):
    monkeypatch.setattr(jail.shutil, "which", lambda name: None)
    why = jail.why_no_jail()
    for command in ("sudo apt-get install -y bubblewrap", "sudo dnf install -y bubblewrap", "sudo pacman -S"):
        assert command in why
    with pytest.raises(Problem, match="bubblewrap"):
        run("x = 1")


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_than_on_linux_it_names_a_container_and_wsl(afresh, monkeypatch, system):
    monkeypatch.setattr(jail.sys, "platform", system)
    assert "container" in jail.why_no_jail() and "WSL 2" in jail.why_no_jail()


def test_a_bubblewrap_that_cannot_is_found_out_by_trying(afresh, monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    switch = tmp_path / "userns"
    switch.write_text("1\n")
    monkeypatch.setattr(jail.shutil, "which", lambda name: str(fake))
    monkeypatch.setattr(jail, "SWITCHES", {str(switch): ("1", "sudo sysctl -w this=0")})
    assert "cannot make a jail here: bwrap: setting up uid map: Permission denied" in jail.why_no_jail()
    assert "sudo sysctl -w this=0" in jail.why_no_jail()
    switch.write_text("0\n")
    assert "docker run" in jail.why_no_jail()


def test_a_trial_that_took_too_long_is_not_the_last_word(afresh, monkeypatch):
    """The machine stood still, or had too much to do: once more, and then again the next time."""
    answers = [jail.TOO_LONG, jail.TOO_LONG, jail.TOO_LONG, None]
    monkeypatch.setattr(jail, "_try", lambda own_user: answers.pop(0))
    monkeypatch.setattr(jail.os, "geteuid", lambda: 1000)
    assert jail.TOO_LONG in jail.why_no_jail()
    assert jail.why_no_jail() is None
    assert not answers
    assert jail.why_no_jail() is None


@needs_jail
def test_a_user_namespace_does_as_well_as_a_user_of_its_own(monkeypatch):
    monkeypatch.setattr(jail, "_own_user", lambda: False)
    source = (
        "import os\nmine = os.getuid()\ntry: open('/proc/sys/kernel/core_pattern', 'w')\nexcept OSError: closed = True"
    )
    with run(source) as session:
        assert (session.value("mine"), session.value("closed"), session.value("alive")) == (65534, True, 1)
    with run("import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60)") as session:
        assert len(tree(session._jailed.process.pid)) <= SHORT.processes + 2
    for folder in ("/", "/dev", "/jail", "/etc"):
        with run(f"try: open({folder!r} + '/new', 'w')\nexcept OSError: closed = True") as session:
            assert session.value("closed") is True
