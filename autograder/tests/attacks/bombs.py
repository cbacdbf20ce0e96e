"""Attacks on time, memory, processes, outputs and disk."""

from autograder.tests.attacks.attack import RIGHT, RIGHT_EARNS, Attack, code

FAMILY = "bombs"


def _softmax(body: str) -> dict[str, str]:
    return {"softmax": "def softmax(scores, axis=-1):\n    " + body.replace("\n", "\n    ")}


ATTACKS: tuple[Attack, ...] = (
    code("endless-loop", FAMILY, "a cell that never ends", first="while True:\n    pass", judged=False),
    code(
        "endless-deaf",
        FAMILY,
        "an endless loop that swallows every interrupt",
        first="""\
import signal
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, lambda *a: None)
while True:
    try:
        while True:
            pass
    except BaseException:
        pass""",
        judged=False,
    ),
    code(
        "endless-call",
        FAMILY,
        "a function that never returns",
        answers=_softmax("while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
        judged=False,
    ),
    code(
        "slow-calls",
        FAMILY,
        "every call takes almost as long as it may",
        answers={
            name: f"import time\ndef {name}(*a, **k):\n    time.sleep(2.5)\n    return 0.0"
            for name in ("softmax", "blend", "attend")
        },
        judged=False,
    ),
    code(
        "slow-cells",
        FAMILY,
        "every cell takes almost as long as it may",
        answers={
            name: f"import time\ntime.sleep(2.5)\ndef {name}(*a, **k):\n    return 0.0"
            for name in ("softmax", "blend", "attend", "plain_self_attention", "diagnose_suspects")
        },
        first="import time\ntime.sleep(2.5)",
        judged=False,
    ),
    code(
        "slow-c",
        FAMILY,
        "one step of C that takes years: a power, a regular expression, a sort",
        answers=_softmax("import re\nre.match('(a+)+$', 'a' * 64 + 'b')"),
        first="x = 7 ** (7 ** 9)",
        judged=False,
    ),
    code(
        "slow-text",
        FAMILY,
        "an exception whose text never ends",
        answers=_softmax("""\
class Endless(Exception):
    def __str__(self):
        while True:
            pass
    __repr__ = __str__
raise Endless"""),
        judged=False,
    ),
    code(
        "slow-array",
        FAMILY,
        "an answer that never finishes turning into an array",
        answers=_softmax("""\
class Endless:
    def __array__(self, *a, **k):
        while True:
            pass
    __float__ = __len__ = __iter__ = __array__
return Endless()"""),
    ),
    code(
        "fork-bomb",
        FAMILY,
        "processes that make processes",
        first="""\
import os, sys, time
try:
    import ctypes
    ctypes.CDLL(None).prctl(15, KNOWN["mark"].encode())
    while True:
        os.fork()
except OSError as error:
    time.sleep(60)""",
        judged=False,
    ),
    code(
        "thread-bomb",
        FAMILY,
        "thousands of threads",
        first="""\
import threading, time
count = 0
try:
    for count in range(20_000):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
except (RuntimeError, MemoryError):
    print("stopped at", count)""",
    ),
    code(
        "memory-bomb",
        FAMILY,
        "all the memory there is, touched",
        first="""\
hoard = []
while True:
    hoard.append(np.ones(2_000_000))""",
    ),
    code(
        "memory-bomb-deaf",
        FAMILY,
        "memory taken again whenever it is refused, by many processes",
        first="""\
import os
for _ in range(8):
    if os.fork() == 0:
        hoard = []
        while True:
            try:
                hoard.append(b"x" * 20_000_000)
            except MemoryError:
                pass
hoard = []
while True:
    try:
        hoard.append(bytearray(20_000_000))
    except MemoryError:
        pass""",
        judged=False,
    ),
    code(
        "memory-in-a-call",
        FAMILY,
        "a right answer that is too large to send",
        answers=_softmax("return np.zeros((20_000, 20_000))"),
    ),
    code(
        "recursion-bomb",
        FAMILY,
        "recursion without end, the limit lifted",
        first="""\
import sys
sys.setrecursionlimit(10 ** 9)
def down(n):
    return [down(n + 1) for _ in (0,)]
print(eval("(" * 90 + ")" * 90))
down(0)""",
        judged=False,
    ),
    code("output-bomb", FAMILY, "printing without end", first="while True:\n    print('x' * 1000)", judged=False),
    code(
        "output-raw",
        FAMILY,
        "raw writes to every descriptor without end",
        first="""\
import os
block = b"x" * 65536
while True:
    for number in (1, 2, *range(3, 256)):
        try:
            os.write(number, block)
        except OSError:
            pass""",
        judged=False,
    ),
    code(
        "output-display",
        FAMILY,
        "a hundred thousand displays, a deep one and a vast one",
        first="""\
from IPython.display import display
deep = []
for _ in range(100_000):
    deep = [deep]
try:
    display({"application/json": deep}, raw=True)
except Exception as error:
    print(type(error))
display({"text/html": "<b>" * 5_000_000}, raw=True)
for number in range(100_000):
    display({"text/plain": str(number)}, raw=True)""",
    ),
    code(
        "output-image",
        FAMILY,
        "a small PNG that unfolds to gigabytes",
        first="""\
import base64, struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
packer = zlib.compressobj(9)
body = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0))
picture = b"\\x89PNG\\r\\n\\x1a\\n" + head + chunk(b"IDAT", body) + chunk(b"IEND", b"")
from IPython.display import display
display({"image/png": base64.b64encode(picture).decode()}, raw=True)""",
    ),
    code(
        "disk-bomb",
        FAMILY,
        "the scratch directory, and all others, filled to the brim",
        first="""\
import os
for place in (".", "/tmp", "/dev/shm", "/var/tmp", "/run", os.path.expanduser("~")):
    try:
        with open(os.path.join(place, KNOWN["mark"]), "wb") as file:
            while True:
                file.write(bytes(1_000_000))
    except OSError as error:
        print(error)""",
    ),
    code(
        "file-bomb",
        FAMILY,
        "a million files and folders",
        first="""\
import os
try:
    for number in range(1_000_000):
        os.mkdir(str(number))
except OSError as error:
    print(error)""",
        judged=False,
    ),
    code(
        "descriptor-bomb",
        FAMILY,
        "open descriptors and pipes without end",
        first="""\
import os
kept = []
try:
    while True:
        kept.append(os.pipe())
except OSError as error:
    print(error)""",
    ),
    code(
        "late-bomb",
        FAMILY,
        "a right answer, and an endless loop in the last cell",
        answers={"softmax": RIGHT},
        last="while True:\n    pass",
        earns=RIGHT_EARNS,
        judged=False,
    ),
)
