"""Attacks that outlive their cell, or end what is not theirs."""

from autograder.tests.attacks.attack import RIGHT, RIGHT_EARNS, Attack, code

FAMILY = "survivors"

# a process that carries the mark in its command line, for as long as it lives
STAY = """\
import os, signal, subprocess, sys, threading, time
def stay():
    code = "import signal, time\\nfor n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)\\ntime.sleep(300)"
    os.execv(sys.executable, [sys.executable, "-S", "-c", code, KNOWN["mark"]])
"""

ATTACKS: tuple[Attack, ...] = (
    code(
        "survive-double-fork",
        FAMILY,
        "a double fork in a session of its own, deaf to signals",
        first=STAY
        + """\
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(3, 256):
            try:
                os.close(number)
            except OSError:
                pass
        stay()
    os._exit(0)""",
    ),
    code(
        "survive-subprocess",
        FAMILY,
        "children with nohup and setsid, that hold the pipes open",
        first=STAY
        + """\
code = "import signal, time\\nfor n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)\\ntime.sleep(300)"
for session in (False, True):
    subprocess.Popen([sys.executable, "-S", "-c", code, KNOWN["mark"]], start_new_session=session, close_fds=False)""",
        answers={"softmax": RIGHT},
        earns=RIGHT_EARNS,
    ),
    code(
        "survive-atexit",
        FAMILY,
        "atexit, finalizers and __del__ that write, fork and never end",
        first=STAY
        + """\
import atexit, weakref
def last():
    open("/tmp/" + KNOWN["mark"], "w").close()
    if os.fork() == 0:
        stay()
    time.sleep(300)
class Sticky:
    def __del__(self): last()
keep = Sticky()
atexit.register(last)
weakref.finalize(keep, last)
threading._register_atexit(last) if hasattr(threading, "_register_atexit") else None""",
        answers={"softmax": RIGHT},
        earns=RIGHT_EARNS,
    ),
    code(
        "survive-threads",
        FAMILY,
        "threads, daemonic or not, that go on when the cell has ended",
        first=STAY
        + """\
def turn():
    while True:
        globals()["check"] = lambda function: 4.0
        time.sleep(0.01)
for daemon in (True, False):
    threading.Thread(target=turn, daemon=daemon).start()""",
        answers={"softmax": RIGHT},
        earns=RIGHT_EARNS,
    ),
    code(
        "survive-alarm",
        FAMILY,
        "alarms, timers and fork handlers that strike later",
        first=STAY
        + """\
def strike(*a):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, strike)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
os.register_at_fork(before=lambda: time.sleep(0.1), after_in_child=lambda: None)""",
    ),
    code(
        "kill-all",
        FAMILY,
        "signals to parents, groups and everyone",
        first=STAY
        + """\
for target in (os.getppid(), KNOWN["grader"], 1, -1, 0, -os.getpgid(0), -KNOWN["grader"]):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        try:
            os.kill(target, number)
        except OSError as error:
            print(target, error)""",
        judged=False,
    ),
    code(
        "kill-self",
        FAMILY,
        "SIGKILL to itself",
        first="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        judged=False,
    ),
    code(
        "stop-self",
        FAMILY,
        "SIGSTOP to itself: alive, and silent",
        first="import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
        judged=False,
    ),
    code(
        "exit-hard",
        FAMILY,
        "os._exit, with a status that may look like success",
        first="import os\nos._exit(0)",
        judged=False,
    ),
    code(
        "exit-soft",
        FAMILY,
        "SystemExit, quit and exit, in cells and when called",
        first="import sys\nsys.exit(0)",
        last="quit()",
        answers={
            "softmax": "def softmax(scores, axis=-1):\n    raise SystemExit(0)",
            "blend": "def blend(weights, values):\n    exit()",
            "attend": "def attend(query, keys, values):\n    raise KeyboardInterrupt",
        },
    ),
    code(
        "exit-in-a-call",
        FAMILY,
        "os._exit in the middle of being judged",
        answers={"softmax": "import os\ndef softmax(scores, axis=-1):\n    os._exit(0)"},
        judged=False,
    ),
    code("crash", FAMILY, "a segmentation fault", first="import ctypes\nctypes.string_at(0)", judged=False),
    code(
        "close-all",
        FAMILY,
        "every file descriptor is closed, or turned into another",
        first="""\
import os
os.closerange(0, 1024)""",
        judged=False,
    ),
)
