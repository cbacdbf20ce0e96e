"""A notebook in its process: IPython's semantics, plain outputs, calls that end in a value or a sentence."""

import re
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from attention_lab.given import Attention
from attention_lab.judge import judge
from attention_lab.observation import Reported, observe
from attention_lab.sheet import Case

from autograder import jail
from autograder.command import ROOT
from autograder.discretion import discreet
from autograder.exercises import EXERCISES
from autograder.session import Limits, open_session

pytestmark = [
    pytest.mark.skipif(jail.why_no_jail() is not None, reason="no jail can be had here"),
    pytest.mark.usefixtures("beginning"),
]
SHORT = Limits(cell_seconds=1, notebook_seconds=6, call_seconds=1)
SOFTMAX = """import numpy as np
def softmax(scores, axis=-1):
    shifted = scores - scores.max(axis=axis, keepdims=True)
    return np.exp(shifted) / np.exp(shifted).sum(axis=axis, keepdims=True)"""
FUNCTIONS = """
import functools
import numpy as np

def back(*given, **named):
    return (*given, *named.values())

def spoil(x, y):
    x[...] = 0
    return x.sum()

def spoil_and_raise(x):
    x += 1
    raise ValueError("too late")

def waits(x):
    raise NotImplementedError

def line(x):
    y = x
    return y / 0 + missing

def noisy(x):
    print("noise" * 1000)
    import os, sys
    os.write(1, b"more"); os.write(2, b"still more")
    sys.stderr.write("and more")
    return x

def kinds():
    import torch
    return {}, torch.ones(2), object(), np.array(["a"]), [1.5, np.arange(2)], None, "text", np.float32(2)

partial = functools.partial(back, 1)
short = lambda x: x + 1
number = 3
counter = []
def count(): counter.append(1); return len(counter)
def leave(): raise SystemExit
def asks(attention, *shapes):
    return [np.asarray(attention(np.ones(shape))).sum() for shape in shapes]
def asks_wrongly(attention):
    return attention("word")
def asks_for_ever(attention):
    while True: attention(np.ones((2, 2)))
def keeps(attention):
    global kept
    kept = attention
def uses_what_it_kept():
    return kept(np.ones((2, 2)))
def looks_into(attention):
    held = [cell.cell_contents for cell in attention.__closure__]
    return str((attention.__dict__, attention.__code__.co_consts, held, [dir(thing) for thing in held]))
def draws(rng):
    return rng.normal(size=3)
def half(x, dtype):
    x += 1
    return (x * 2).to(dtype)
class Own(ValueError): pass
def raises_own(): raise Own("odd")
def huge(): return np.broadcast_to(np.float64(0), (10**4, 10**4))
def endless(n=4):
    while True: n = n
def die():
    import os
    os._exit(3)
"""


def outputs_of(*sources, limits=None):
    """The outputs of each cell, executed in order."""
    limits = limits or Limits()
    with open_session([(str(place), source) for place, source in enumerate(sources)], limits) as session:
        assert session.ended == ""
        return [session.outputs[str(place)] for place in range(len(sources))]


@pytest.fixture(scope="module")
def functions(beginning):
    with open_session([("functions", FUNCTIONS)]) as session:
        yield session


def failure_of(function, *arguments):
    with pytest.raises(Reported) as caught:
        function(*arguments)
    return caught.value.failure


def text_of(output) -> str:
    return output["data"]["text/plain"]


# Cells


def test_cells_run_as_in_a_notebook():
    first, magic, shell, display, multiple, after = outputs_of(
        "print('hi')\nx = 6\nx * 7",
        "%%capture kept\nprint('caught')",
        "!echo from a program",
        "from IPython.display import HTML\ndisplay(HTML('<b>bold</b>'))\nprint('below')",
        "import sys\nprint('out')\nprint('err', file=sys.stderr)",
        "_ + Out[1] + len(In) * 0, kept.stdout",
    )
    assert first[0] == {"output_type": "stream", "name": "stdout", "text": "hi\n"}
    assert first[1]["output_type"] == "execute_result" and text_of(first[1]) == "42"
    assert first[1]["execution_count"] == 1
    assert magic == []
    assert shell[0]["text"].strip() == "from a program"
    assert display[0]["data"]["text/html"] == "<b>bold</b>"
    assert display[1]["text"] == "below\n"
    assert [output["name"] for output in multiple] == ["stdout", "stderr"]
    assert text_of(after[0]) == "(84, 'caught\\n')"


def test_an_error_does_not_stop_the_cells_that_follow():
    error, syntax, after = outputs_of("def f():\n    return 1 / 0\nf()", "1 +", "2 + 2")
    assert (error[0]["output_type"], error[0]["ename"]) == ("error", "ZeroDivisionError")
    assert syntax[0]["ename"] == "SyntaxError"
    assert text_of(after[0]) == "4"


def test_a_traceback_shows_the_learners_lines_alone():
    (cell,) = outputs_of("import numpy as np\ndef mine(x):\n    return np.linalg.inv(x)\nmine(np.zeros((2, 3)))")
    trace = "".join(cell[0]["traceback"])
    assert cell[0]["ename"] == "LinAlgError"
    assert "mine" in trace and "inv" in trace
    assert "site-packages" not in trace and "linalg.py" not in trace


def test_a_cell_can_wait_for_what_it_imports_and_await():
    (cell,) = outputs_of("import asyncio\nawait asyncio.sleep(0.01)\n'awake'")
    assert text_of(cell[0]) == "'awake'"


def test_pictures_and_waiting_notes_come_through():
    plot, waits = outputs_of(
        "import numpy as np\nfrom attention_lab import plot_row\nplot_row([0.2, 0.8], ['a', 'b'])",
        "def softmax(scores, axis=-1):\n    raise NotImplementedError\n",
    )[0:2]
    assert "data:image/png;base64" in plot[-1]["data"]["text/html"]
    note = outputs_of("from attention_lab import check", "def f(x):\n    raise NotImplementedError", "f(1)")[2]
    assert "waits for `f`" in text_of(note[0])


def test_an_endless_loop_is_interrupted_and_the_rest_still_runs():
    began = time.monotonic()
    loop, after = outputs_of("while True:\n    pass", "1 + 1", limits=SHORT)
    assert loop[0]["ename"] == "TimeLimit"
    assert text_of(after[0]) == "2"
    assert time.monotonic() - began < 6


def test_a_notebook_that_takes_too_long_is_asked_all_the_same():
    cells = [(str(n), "import time; time.sleep(0.6)") for n in range(20)]
    limits = replace(SHORT, notebook_seconds=2)
    with open_session([("first", "x = 5"), *cells], limits) as session:
        assert session.ended.startswith("This notebook took more than 2 seconds: 1")
        assert session.value("x") == 5


def test_what_is_printed_is_kept_up_to_a_limit():
    loud, after = outputs_of("print('x' * 5_000_000)", "print('y')")
    assert 4_000_000 < len(loud[0]["text"]) < 4_500_000
    assert loud[0]["text"].endswith("the rest is left out.\n")


# Calls


def test_arguments_and_results_cross_as_they_are(functions):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    back = functions.function("back")(array, 2, None, "word", axis=-1, flag=True)
    assert np.array_equal(back[0], array) and back[0].dtype == np.float32
    assert back[1:] == (2, None, "word", -1, True)
    assert functions.function("partial")(2.5) == (1, 2.5)
    assert np.array_equal(functions.function("short")(array), array + 1)


def test_a_function_it_is_given_is_called_outside(functions):
    attention = Attention("a running mean").make()
    assert functions.function("asks")(attention, (3, 2), (5, 7)) == [6.0, 35.0]
    with pytest.raises(Reported) as reported:
        functions.function("asks_wrongly")(attention)
    assert reported.value.failure.kind == "ValueError" and "could not convert" in reported.value.failure.text


def test_a_function_it_is_given_shows_nothing_of_what_it_is(functions):
    told = functions.function("looks_into")(Attention("a copy", (0, 1, 0.001)).make())
    assert "copy" not in told and "leak" not in told and "0.001" not in told


def test_a_function_that_was_given_is_of_no_use_after_the_call(functions):
    functions.function("keeps")(np.copy)
    with pytest.raises(Reported, match="the call that this function was given to is over"):
        functions.function("uses_what_it_kept")()


def test_a_function_it_is_given_is_not_called_without_end():
    ends = pytest.raises(Reported, match="took more than 1 seconds|more than 10,000 times")
    with open_session([("cell", FUNCTIONS)], SHORT) as session, ends:
        session.function("asks_for_ever")(np.copy)


def test_a_generator_arrives_in_its_state(functions):
    rng, same = np.random.default_rng(11), np.random.default_rng(11)
    assert functions.function("draws")(rng).tolist() == same.normal(size=3).tolist()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_tensors_cross_with_their_dtype_and_changes_are_seen(functions, dtype):
    dtype = getattr(torch, dtype)
    x = torch.tensor([1.0, 2.5], dtype=dtype)
    answer = functions.function("half")(x, dtype)
    assert answer.dtype == dtype and answer.tolist() == [4.0, 7.0]
    assert x.tolist() != [1.0, 2.5]


def test_the_base_of_an_exception_of_their_own_is_known(functions):
    with pytest.raises(Reported) as reported:
        functions.function("raises_own")()
    assert reported.value.failure.is_a("ValueError") and reported.value.failure.kind == "Own"


def test_what_cannot_cross_keeps_its_name(functions):
    dictionary, tensor, thing, words, mixed, nothing, text, number = functions.function("kinds")()
    assert [type(item).__name__ for item in (dictionary, tensor, thing)] == ["dict", "Tensor", "object"]
    assert tensor.tolist() == [1.0, 1.0]
    assert words.dtype.kind == "U"
    assert mixed[0] == 1.5 and np.array_equal(mixed[1], [0, 1])
    assert (nothing, text, number) == (None, "text", np.float32(2))


@pytest.mark.parametrize("dtype", [float, np.float32, int, bool])
def test_a_changed_input_is_changed_here_too(functions, dtype):
    case = Case("", "", {"x": np.ones(3, dtype), "y": np.ones(3)}, keywords=(), shown=False, answers=())
    assert observe(functions.function("spoil"), case).changed == ("x",)
    if dtype is float:
        seen = observe(functions.function("spoil_and_raise"), replace(case, arguments={"x": np.ones(3)}))
        assert (seen.changed, seen.failure.kind) == (("x",), "ValueError")


def test_an_exception_is_reported_with_the_learners_line(functions):
    failure = failure_of(functions.function("line"), 1.0)
    assert (failure.kind, failure.text) == ("ZeroDivisionError", "float division by zero")
    assert failure.where.endswith("of your cell, in `line`: `return y / 0 + missing`")
    assert failure_of(functions.function("waits"), 1).waits_for == "waits"
    assert failure_of(functions.function("back()"), 1).kind == "Missing"
    assert failure_of(functions.function("number"), 1).kind == "TypeError"
    assert failure_of(functions.function("short")).kind == "TypeError"
    assert failure_of(functions.function("leave")).kind == "SystemExit"


def test_a_value_is_asked_by_its_name(functions):
    assert functions.value("number") == 3
    with pytest.raises(Reported, match="`guess` is not defined"):
        functions.value("guess")


def test_state_is_kept_from_call_to_call(functions):
    before = functions.function("count")()
    assert functions.function("count")() == before + 1


def test_prints_in_calls_disturb_nothing(functions):
    assert functions.function("noisy")(3) == 3
    assert functions.function("noisy")(4) == 4


def test_an_enormous_answer_is_a_failure_of_its_own(functions):
    assert failure_of(functions.function("huge")).kind == "MemoryError"
    assert functions.value("number") == 3


def test_an_endless_call_fails_once_slowly_then_at_once_and_others_go_on():
    with open_session([("functions", FUNCTIONS)], SHORT) as session:
        assert failure_of(session.function("endless")).kind == "TimeLimit"
        began = time.monotonic()
        assert failure_of(session.function("endless")).kind == "TimeLimit"
        assert time.monotonic() - began < 0.1
        assert session.function("short")(1) == 2


def test_after_the_process_has_gone_every_call_fails_at_once():
    with open_session([("functions", FUNCTIONS)], SHORT) as session:
        assert "ended Python itself (exit code 3)" in failure_of(session.function("die")).text
        assert failure_of(session.function("short"), 1).kind == "Stopped"
        assert session.ended.startswith("This notebook ended Python")
    assert failure_of(session.function("short"), 1).kind == "Stopped"


@pytest.mark.parametrize(
    "forged",
    [
        "b'nonsense' * 100",
        "struct.pack('!I', 2**31)",
        "frame({'kind': 'done', 'ended': 5, 'arrays': []}) * 2 + frame({'value': ['array', 7], 'arrays': []})",
        "frame({'kind': 'outputs', 'cell': 'x', 'outputs': 3, 'arrays': []})",
        "frame({'kind': 'cell', 'cell': 0, 'arrays': []}) * 10",
        "frame({'failure': [], 'value': 1, 'changed': {'a': 1}, 'arrays': []}) * 9",
        "b''.join(frame({'kind': 'outputs', 'cell': 'forge', 'outputs': [3, {}], 'arrays': []}) for _ in range(10**5))",
    ],
)
def test_forged_frames_are_at_most_answers(forged):
    forge = f"""
import fcntl, json, os, struct
def frame(header):
    text = json.dumps(header).encode()
    return struct.pack('!I', len(text)) + text
forged = {forged}
for fd in range(3, 256):
    try:
        flags = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
        if flags == os.O_WRONLY: os.write(fd, forged)
    except OSError: pass
"""
    began = time.monotonic()
    with open_session([("forge", forge), ("softmax", SOFTMAX)], SHORT) as session:
        for name in ("softmax", "softmax", "nothing"):
            try:
                session.function(name)(np.zeros((2, 3)))
            except Reported:
                continue
    assert time.monotonic() - began < 20


def test_the_judge_says_the_same_over_a_proxy(sheet_of):
    namespace = {}
    wrong = SOFTMAX.replace("axis=axis", "axis=0")
    for source in (
        SOFTMAX,
        wrong,
        SOFTMAX + "\n    raise NotImplementedError",
        "def softmax(scores, axis=-1): return [1.0]",
    ):
        exec(source, namespace)
        with open_session([("softmax", source)]) as session:
            verdict = judge(sheet_of("softmax"), session.function("softmax"))
        assert verdict == judge(sheet_of("softmax"), namespace["softmax"])
    assert EXERCISES["softmax"].id == verdict.exercise


def test_without_a_jail_the_same_runner_answers_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spawn = "import subprocess, sys\nchild = subprocess.Popen(['sleep', '100']).pid"
    with open_session([("softmax", SOFTMAX), ("spawn", spawn)], unsafe=True) as session:
        assert np.allclose(session.function("softmax")(np.zeros((2, 4))), 0.25)
        child = session.value("child")
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
    with open_session([("look", f"import os\nstate = os.path.exists('/proc/{child}/exe')")], unsafe=True) as session:
        assert session.value("state") is False


def test_the_two_pipes_of_the_runner_never_take_the_same_number():
    code = """
import random
from autograder import runner
random.SystemRandom.randrange = lambda *a: 150
requests, replies = runner._private(0, "rb"), runner._private(1, "wb")
replies.write(b"%d %d" % (requests.fileno(), replies.fileno()))
"""
    ran = subprocess.run([sys.executable, "-c", code], input=b"", capture_output=True, check=True)
    assert ran.stdout == b"150 151"


@pytest.mark.parametrize("name", list(EXERCISES))
def test_the_same_answers_are_right_through_a_jail_as_at_home(sheet_of, name):
    exercise = EXERCISES[name]
    source = (ROOT / "solutions" / f"{exercise.lesson[3:]}.py").read_text()
    source = re.sub(r"from solutions\.(\w+) import .*", _whole_module, source)
    with open_session([("cell", source)]) as session:
        verdict = judge(sheet_of(name), discreet(session.function(name), [source]))
    assert verdict.passed, verdict.message


def _whole_module(found: re.Match) -> str:
    return (ROOT / "solutions" / f"{found[1]}.py").read_text()
