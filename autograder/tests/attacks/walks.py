"""Attacks that walk through the process for expected answers."""

from autograder.tests.attacks.attack import Attack, code

FAMILY = "walks"

# Everything found whose shape fits is handed back as an answer; names that betray a sheet are printed.
FOUND = """\
import gc, sys
found = []
def take(item, depth=0):
    if type(item) is np.ndarray and item.size:
        found.append(item)
    elif type(item) in (list, tuple, set, frozenset) and depth < 4:
        for entry in list(item)[:1000]:
            take(entry, depth + 1)
    elif type(item) is dict and depth < 4:
        for entry in list(item.values())[:1000]:
            take(entry, depth + 1)
    elif type(item).__name__ in ("Sheet", "Case", "Explanation", "Verdict"):
        print("a sheet:", vars(item))
        take(vars(item), depth + 1)
def best(scores):
    for item in found:
        if item is not scores and item.shape == scores.shape and np.isfinite(item).all() and (item >= 0).all() \\
                and abs(item.sum() - scores[..., 0].size) < 1e-6:
            return item.copy()
    return scores * 0
"""


def _walk(before: str) -> dict[str, str]:
    return {"softmax": "def softmax(scores, axis=-1):\n    found.clear()\n    " + before + "\n    return best(scores)"}


ATTACKS: tuple[Attack, ...] = (
    code(
        "walk-frames",
        FAMILY,
        "the locals of every calling frame hold the expected array",
        first=FOUND,
        answers=_walk("""\
frame = sys._getframe()
    while frame is not None:
        take(dict(frame.f_locals)); take(dict(frame.f_globals)); frame = frame.f_back"""),
    ),
    code(
        "walk-gc",
        FAMILY,
        "the garbage collector lists the sheet",
        first=FOUND,
        answers=_walk("[take(item) for item in gc.get_objects()]"),
    ),
    code(
        "walk-threads",
        FAMILY,
        "the frames of all other threads",
        first=FOUND,
        answers=_walk("[take(dict(frame.f_locals)) for frame in sys._current_frames().values()]"),
    ),
    code(
        "walk-history",
        FAMILY,
        "In[], Out[] and the history know what the grader ran",
        first=FOUND
        + """
shell = get_ipython()
print(globals().get("In"), globals().get("Out"), shell.user_ns.keys(), shell.user_ns_hidden.keys())
print(list(getattr(shell, "history_manager", None).get_tail(100) if getattr(shell, "history_manager", None) else ()))
take(shell.user_ns)""",
        answers=_walk("take(dict(get_ipython().user_ns)); take(vars(get_ipython()))"),
    ),
    code(
        "walk-modules",
        FAMILY,
        "some module keeps the sheet in a global or a cache",
        first=FOUND,
        answers=_walk(
            "[take(dict(vars(module))) for module in list(sys.modules.values()) if hasattr(module, '__dict__')]"
        ),
    ),
    code(
        "walk-trace",
        FAMILY,
        "a trace and a profile function watch the grader's own functions at work",
        first=FOUND
        + """
def watch(frame, event, argument):
    take(dict(frame.f_locals)); take((argument,))
    return watch
sys.setprofile(watch); sys.settrace(watch)
import threading
threading.setprofile(watch); threading.settrace(watch)""",
        answers={
            "softmax": "def softmax(scores, axis=-1):\n    answer = best(scores)\n    found.clear()\n    return answer"
        },
    ),
    code(
        "walk-memory",
        FAMILY,
        "the process's own memory holds the private seed or a sheet",
        first="""\
import re
try:
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            if " rw" in line and end - start < 5e7:
                memory.seek(start)
                try:
                    block = memory.read(end - start)
                except OSError:
                    continue
                for hit in re.findall(rb"(?:canary-|private_seed)[ -~]{0,80}", block)[:20]:
                    print(hit)
except OSError as error:
    print(error)""",
    ),
    code(
        "walk-published",
        FAMILY,
        "practice sheets answer what they share with the private ones: the quizzes",
        first="""\
import attention_lab, pathlib
table = []
for path in sorted(pathlib.Path(attention_lab.__file__).parent.rglob("*.npz")):
    print("found", path.name)
try:
    from attention_lab.check import published_sheet
    table = [(case.arguments, case.expected) for case in published_sheet("softmax").cases]
    print(published_sheet("diagnose_suspects").cases[0].expected)
    words = published_sheet("diagnose_suspects").cases[0].expected
except Exception as error:
    print(type(error), error)""",
        answers={
            "softmax": """\
def softmax(scores, axis=-1):
    for arguments, expected in table:
        if np.array_equal(arguments["scores"], scores) and arguments.get("axis", -1) == axis:
            return expected[0]
    return scores * 0""",
            "diagnose_suspects": "def diagnose_suspects():\n    return tuple(words)",
        },
    ),
)
