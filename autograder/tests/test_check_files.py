"""`./course check`: one verdict a file, in order, whatever the file does."""

import json

import pytest
from typer.testing import CliRunner

from autograder.check_files import SEED, check_files, verdicts
from autograder.command import app
from autograder.jail import Limits, why_no_jail
from autograder.problem import Problem

pytestmark = pytest.mark.skipif(why_no_jail() is not None, reason="no jail here")
RIGHT = "def blend(weights, values):\n    return weights @ values\n"
FILES = {
    "right": (RIGHT, "`blend` holds:"),
    "transposed": (
        "def blend(w, v):\n    return w.swapaxes(-1, -2) @ v",
        "On weights `[[0, 1, 0], [0.25, 0.5, 0.25]]`",
    ),
    "stub": ("def blend(weights, values):\n    raise NotImplementedError", "`blend` is not started yet."),
    "unparsed": (
        "def blend(weights, values:\n    pass",
        "`unparsed.py` stopped before it defined `blend`: `SyntaxError",
    ),
    "nothing": ("blended = 3", "`nothing.py` defines no function `blend`."),
    "number": ("blend = 3", "On weights `[[0, 1, 0], [0.25, 0.5, 0.25]]`"),
    "raises": (
        "import numpy\nnumpy.ones(2) @ numpy.ones(3)",
        "`raises.py` stopped before it defined `blend`: `ValueError: matmul",
    ),
    "leaves": ("import sys\nsys.exit()", "`leaves.py` stopped before it defined `blend`: `SystemExit"),
    "kills": ("import os\nos._exit(0)", "`kills.py`: This notebook ended Python itself"),
    "kills_later": ("import os\ndef blend(w, v):\n    os._exit(0)", "This notebook ended Python itself"),
    "interrupts": ("def blend(w, v):\n    raise KeyboardInterrupt", "On weights"),
    "bytes": ("blend = '\0'", "`bytes.py` stopped before it defined `blend`: `SyntaxError"),
    "steals": (
        "def blend(w, v):\n    from solutions.intuition import blend\n    return blend(w, v)",
        "On weights `[[0, 1, 0], [0.25, 0.5, 0.25]]`, values `[[4, 0], [0, 8], [2, 4]]` your function stopped with "
        "`ModuleNotFoundError: No module named 'solutions'`",
    ),
    "prints": ("import os\nos.write(1, b'{}')\nprint('{}')\n" + RIGHT, "`blend` holds:"),
}


@pytest.fixture
def written(tmp_path):
    for name, (source, _) in FILES.items():
        (tmp_path / f"{name}.py").write_text(source)
    return [tmp_path / f"{name}.py" for name in FILES]


def test_every_file_gets_one_line_in_the_order_given(written, capfd, tmp_path):
    check_files("blend", [*written, tmp_path / "gone.py", tmp_path], as_json=True)
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["file"] for line in lines] == [str(path) for path in (*written, tmp_path / "gone.py", tmp_path)]
    for line, (_, message) in zip(lines, FILES.values(), strict=False):
        assert line["message"].startswith(message), line
    assert lines[-2]["message"] == "`gone.py` cannot be read: no such file or directory."
    assert {line["file"].rsplit("/", 1)[1] for line in lines if line["passed"]} == {"right.py", "prints.py"}
    assert all(line["points"] == 0 for line in lines if not line["passed"])
    assert lines[1] == {
        "file": str(written[1]),
        "exercise": "blend",
        "points": 0.0,
        "max_points": 2.0,
        "passed": False,
        "misconceptions": ["blend-transposed-weights"],
        "message": lines[1]["message"],
    }


def test_a_file_that_hangs_is_stopped_and_the_next_is_judged(sheet_of, tmp_path):
    hangs, right = tmp_path / "hangs.py", tmp_path / "right.py"
    hangs.write_text(
        "import signal\nfor number in (signal.SIGTERM, signal.SIGINT):\n    signal.signal(number, signal.SIG_IGN)\n"
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass\n"
    )
    right.write_text(RIGHT)
    stopped, judged = verdicts(sheet_of("blend", SEED), [hangs, right], Limits(cell_seconds=1.5))
    assert "TimeLimit" in stopped.message
    assert (stopped.points, judged.points) == (0.0, 2.0)


def test_a_file_without_end_is_not_read(sheet_of, tmp_path):
    (tmp_path / "long.py").write_text("#" * 2_000_000)
    (verdict,) = verdicts(sheet_of("blend", SEED), [tmp_path / "long.py"])
    assert verdict.message == "`long.py` has more than 1,000,000 bytes."


def test_the_text_is_for_reading(written, capfd):
    check_files("blend", written[1:2], as_json=False)
    assert capfd.readouterr().out.startswith(
        f"{written[1]}\n✗ blend: 0 of 2 points\n  [ ] one sequence (1)\n  [ ] batches (1)\nOn weights"
    )


def test_an_unknown_exercise_lists_those_there_are(written):
    with pytest.raises(Problem, match='no exercise "blender". The exercises are softmax, blend, attend'):
        check_files("blender", written, as_json=True)


def test_the_command_takes_files_and_json(written):
    result = CliRunner().invoke(app, ["check", "blend", str(written[0]), "--json"])
    assert result.exit_code == 0 and json.loads(result.output)["passed"] is True


def test_a_named_tuple_is_a_tuple_and_none_of_its_code_leaves_the_jail(sheet_of, tmp_path):
    source = """\
from collections import namedtuple
import numpy as np
class Result(namedtuple("Result", "output weights")):
    def __iter__(self): raise ZeroDivisionError
    def __len__(self): return 7
    def __getitem__(self, place): raise ZeroDivisionError
def attend(query, keys, values):
    weights = np.exp(keys @ query - (keys @ query).max())
    weights /= weights.sum()
    return Result(weights @ values, weights)"""
    (tmp_path / "named.py").write_text(source)
    (verdict,) = verdicts(sheet_of("attend", SEED), [tmp_path / "named.py"])
    assert verdict.passed, verdict.message
