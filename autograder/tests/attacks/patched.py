"""Attacks that replace what a judge would compare, draw or count with."""

from autograder.tests.attacks.attack import Attack, code

FAMILY = "patched"

ATTACKS: tuple[Attack, ...] = (
    code(
        "patched-allclose",
        FAMILY,
        "every comparison of NumPy says yes",
        first="""\
yes = lambda *a, **k: True
for name in ("allclose", "isclose", "array_equal", "array_equiv", "all", "any", "less_equal", "equal"):
    setattr(np, name, yes)
for name in ("assert_allclose", "assert_array_equal", "assert_equal", "assert_array_almost_equal"):
    setattr(np.testing, name, yes)""",
    ),
    code(
        "patched-exp",
        FAMILY,
        "a reference that used np.exp or max would compute what the learner returns",
        first="np.exp = np.max = np.amax = lambda x, *a, **k: x * 0\nnp.sum = lambda x, *a, **k: 1.0",
    ),
    code(
        "patched-random",
        FAMILY,
        "hidden inputs are drawn as zeros, whose softmax is uniform",
        first="""\
class Zeros:
    def __getattr__(self, name):
        return lambda *a, size=None, **k: np.zeros(size or ())
np.random.default_rng = np.random.RandomState = lambda *a: Zeros()
import random
random.random = lambda: 0.0""",
        answers={"softmax": "def softmax(scores, axis=-1):\n    return np.full(scores.shape, 1.0)"},
    ),
    code(
        "patched-check",
        FAMILY,
        "the notebook's own check gives full marks",
        first="""\
import attention_lab, builtins
full = lambda function: 4.0
attention_lab.check = check = builtins.check = full
import sys
sys.modules["attention_lab.check"].check = full""",
        last="check = lambda function: 4.0\ncheck(softmax)",
    ),
    code(
        "patched-judge",
        FAMILY,
        "judge, verdict and sheet in the learner's process all say full marks",
        first="""\
import attention_lab.judge as judge, attention_lab.verdict as verdict, attention_lab.comparison as comparison
verdict.Verdict.points = property(lambda self: self.max_points)
verdict.Verdict.passed = property(lambda self: True)
judge._is_right = comparison.matches = comparison.same = judge.matches = lambda *a: True""",
    ),
    code(
        "patched-builtins",
        FAMILY,
        "all(), any(), sum(), float() and isinstance() are the attacker's",
        first="""\
import builtins
builtins.all = builtins.any = lambda *a: True
builtins.sum = lambda *a, **k: 4.0
builtins.float = lambda *a: 4.0
builtins.isinstance = lambda *a: True
builtins.len = lambda *a: 4""",
    ),
    code(
        "patched-runner",
        FAMILY,
        "every module of the runner reports points of its own making",
        first="""\
import sys, json
full = {"points": 4.0, "earned": True, "passed": True, "verdict": "passed", "max_points": 4.0}
dumps = json.dumps
json.dumps = lambda item, *a, **k: dumps({**item, **full} if type(item) is dict else item)
for module in [module for module in sys.modules.values() if hasattr(module, "receive")]:
    send = getattr(module, "send", None)
    if callable(send):
        module.send = lambda stream, header, arrays=(), send=send: send(stream, {**header, **full}, arrays)""",
    ),
    code(
        "patched-loaders",
        FAMILY,
        "np.load, open and json.loads give sheets in which everything is right",
        first="""\
import builtins, json, pathlib
np.load = lambda *a, **k: {"header": np.zeros(0), "numbers": np.zeros(0)}
json.loads = lambda *a, **k: {"cases": [], "parts": []}
pathlib.Path.read_bytes = lambda self: b""
""",
    ),
)
