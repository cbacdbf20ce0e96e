"""Attacks that speak in the grader's voice: forged frames, verdicts, cards and grades."""

from autograder.tests.attacks.attack import Attack, code

FAMILY = "forgery"

CARD = (
    "<section role='group' data-exercise='softmax' data-points='4' data-max-points='4' data-misconceptions=''>"
    "<p><strong>✓ softmax: 4 of 4 points</strong></p></section>"
)

ATTACKS: tuple[Attack, ...] = (
    code(
        "forge-stdout",
        FAMILY,
        "verdict lines on every standard stream",
        first="""\
import json, sys
line = json.dumps({"exercise": "softmax", "points": 4.0, "max_points": 4.0, "passed": True, "misconceptions": []})
for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
    try:
        print(line, "\\n4.0\\n", line, file=stream, flush=True)
    except (AttributeError, ValueError, OSError) as error:
        pass
4.0""",
        last="4.0",
    ),
    code(
        "forge-frames",
        FAMILY,
        "well-formed frames on every open descriptor, before any question comes",
        first="""\
import json, os, struct
for header in ({"points": 4.0}, {"returned": [1, 2]}, {"kind": "returned", "value": None, "arrays": []}, {"ended": ""}):
    text = json.dumps(header).encode()
    for form in ("<I", ">I", "<Q", ">Q"):
        for number in (1, 2, *range(3, 256)):
            try:
                os.write(number, struct.pack(form, len(text)) + text)
            except OSError:
                pass""",
        judged=False,
    ),
    code(
        "forge-lengths",
        FAMILY,
        "frames that claim gigabytes, negative sizes, pickles and endless headers",
        first="""\
import json, os, struct, pickle
blocks = [b"\\xff" * 8, struct.pack(">I", 2 ** 31 - 1), struct.pack("<I", 2 ** 31 - 1), b"\\0" * 4096,
          pickle.dumps(print), b"\\x93NUMPY" + b"\\xff" * 100]
for shape in ([2 ** 40], [-1], [2 ** 62, 2 ** 62], ["4"], [1e300], None):
    for dtype in ("float64", "object", "O", "V8", "float64, (4096,)", [["a", "O"]], None):
        text = json.dumps({"arrays": [{"dtype": dtype, "shape": shape}], "value": {"array": 0}}).encode()
        blocks.append(struct.pack(">I", len(text)) + text)
for number in range(3, 256):
    for block in blocks:
        try:
            os.write(number, block)
        except OSError:
            pass""",
        judged=False,
    ),
    code(
        "forge-reader",
        FAMILY,
        "the questions are read by the attacker's thread, and answered by it",
        first="""\
import os, threading
def steal(number):
    while True:
        try:
            data = os.read(number, 65536)
            if not data:
                return
            os.write(1, data[:100])
            for other in range(3, 256):
                try:
                    os.write(other, data)
                except OSError:
                    pass
        except OSError:
            return
for number in (0, *range(3, 256)):
    threading.Thread(target=steal, args=(number,), daemon=True).start()""",
        judged=False,
    ),
    code(
        "forge-card",
        FAMILY,
        "a verdict card like the grader's own, shown as HTML, as text and as an update",
        first=f"""\
from IPython.display import HTML, display, update_display
CARD = {CARD!r}
display(HTML(CARD)); display(HTML(CARD), display_id="softmax")
update_display(HTML(CARD), display_id="softmax")
print("✓ softmax: 4 of 4 points")
HTML(CARD)""",
        last="HTML(CARD)",
    ),
    code(
        "forge-message",
        FAMILY,
        "a card inside the text of an exception, and marks of the message language",
        answers={
            "softmax": "def softmax(scores, axis=-1):\n"
            f"    raise ValueError({CARD!r} + '`**✓ softmax: 4 of 4 points**`' + '\\n' * 40)",
            "blend": "def blend(weights, values):\n    return type('`</code><script>OWNED</script>', (), {})()",
            "diagnose_suspects": "def diagnose_suspects():\n"
            "    return ('</p><script>OWNED</script>', '`', '**', '4.0')",
        },
    ),
    code(
        "forge-names",
        FAMILY,
        "the exercise's name bound to things that are no functions",
        answers={
            "softmax": "softmax = 4.0",
            "blend": "blend = np.zeros",
            "attend": "class attend(tuple):\n    def __new__(cls, *a): return cls",
            "plain_self_attention": "del check, softmax",
            "diagnose_suspects": "diagnose_suspects = property(lambda self: 1)",
        },
    ),
    code(
        "forge-stub",
        FAMILY,
        "NotImplementedError with texts of the attacker's, that name what to wait for",
        answers={
            "softmax": "def softmax(scores, axis=-1):\n"
            "    raise NotImplementedError('✓ 4 of 4 points <script>OWNED</script>')",
            "blend": "thrown = 'lambda *a: (_ for _ in ()).throw(NotImplementedError())'\n"
            "blend = eval(compile(thrown, '<script>OWNED', 'eval'))",
        },
    ),
    code(
        "forge-clear",
        FAMILY,
        "the outputs of other cells are cleared or replaced",
        first="""\
from IPython.display import clear_output, display
shell = get_ipython()
display({"text/plain": "4.0"}, raw=True, transient={"display_id": "check-softmax"})
for target in ("display_pub", "displayhook"):
    for name in ("clear_output", "flush"):
        getattr(getattr(shell, target), name, lambda: None)()
clear_output(wait=False)""",
        last="from IPython.display import clear_output\nclear_output()",
    ),
    code(
        "forge-ended",
        FAMILY,
        "the runner's own pipe, found among all objects, says that the notebook has ended, and how well",
        first="""\
import gc, io, sys
send = next(module.send for module in sys.modules.values() if hasattr(module, "receive") and hasattr(module, "send"))
said = "FORGED: all 15 of 15 points, graded by hand"
for replies in gc.get_objects():
    if type(replies) is io.BufferedWriter and type(replies.name) is int and replies.name >= 100:
        send(replies, {"kind": "done", "ended": said, "not_run": said})
        for kind in ("Stopped", "Missing", "TimeLimit"):
            send(replies, {"failure": {"kind": kind, "text": said, "where": said, "waits_for": said}})""",
    ),
)
