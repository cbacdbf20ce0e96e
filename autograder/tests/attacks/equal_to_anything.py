"""Attacks by answers that compare equal to anything, fit anything, or are nothing."""

from autograder.tests.attacks.attack import Attack, code

FAMILY = "equal to anything"

EVERYTHING = """\
class Everything(np.ndarray):
    shape = property(lambda self: Everything.wanted)
    dtype = property(lambda self: np.dtype(float))
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.zeros(1)[0] if ufunc not in (np.less_equal, np.equal) else np.True_
    def __array_function__(self, function, types, args, kwargs):
        return True
    __eq__ = __le__ = __ge__ = __lt__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __sub__ = __rsub__ = lambda self, other: 0.0
    __hash__ = None
"""


def _softmax(body: str) -> dict[str, str]:
    return {"softmax": "def softmax(scores, axis=-1):\n    " + body.replace("\n", "\n    ")}


ATTACKS: tuple[Attack, ...] = (
    code(
        "equal-array",
        FAMILY,
        "an ndarray subclass whose comparisons and differences please",
        first=EVERYTHING,
        answers=_softmax("Everything.wanted = scores.shape\nreturn np.zeros(scores.shape).view(Everything)"),
    ),
    code(
        "equal-object",
        FAMILY,
        "a plain object that equals anything and turns into any array",
        first="""\
class Anything:
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return self
    def __array__(self, *a, **k): return np.zeros(())
    __eq__ = __le__ = __ge__ = __contains__ = __bool__ = lambda self, *a: True
    __float__ = lambda self: 4.0
    __len__ = lambda self: 2
    __iter__ = lambda self: iter((self, self))
    __hash__ = None""",
        answers=_softmax("return Anything()")
        | {"attend": "def attend(query, keys, values):\n    return Anything()"}
        | {"diagnose_suspects": "def diagnose_suspects():\n    return Anything()"},
    ),
    code(
        "equal-tensor",
        FAMILY,
        "a class called Tensor that claims the protocol of torch",
        first="""\
class Tensor:
    def __torch_function__(self, *a, **k): return True
    def numpy(self): return np.zeros(())
    def detach(self): return self
    cpu = detach
    __eq__ = lambda self, other: True
    __hash__ = None""",
        answers=_softmax("return Tensor()"),
    ),
    code(
        "equal-text",
        FAMILY,
        "a str subclass that equals every word",
        first="""\
class Word(str):
    __eq__ = lambda self, other: True
    __ne__ = lambda self, other: False
    strip = lower = casefold = lambda self: self
    __hash__ = str.__hash__""",
        answers={"diagnose_suspects": "def diagnose_suspects():\n    return (Word('no exp'),) * 4"},
    ),
    code("equal-nan", FAMILY, "NaN, which no comparison finds too far", answers=_softmax("return scores * np.nan")),
    code(
        "equal-infinite",
        FAMILY,
        "infinities, for a judge that takes them all as one",
        answers=_softmax("return np.full(scores.shape, np.inf)"),
    ),
    code(
        "equal-empty",
        FAMILY,
        "an empty array, all of whose numbers are right",
        answers=_softmax("return np.zeros((0,) * scores.ndim)"),
    ),
    code(
        "equal-broadcast",
        FAMILY,
        "one number that broadcasts against every expected array",
        answers=_softmax("return np.full((1,) * scores.ndim, np.nan)"),
    ),
    code(
        "equal-masked",
        FAMILY,
        "a masked array with every entry masked",
        answers=_softmax("return np.ma.masked_all(scores.shape)"),
    ),
    code(
        "equal-objects",
        FAMILY,
        "an array of objects, and a structured one",
        answers=_softmax("return np.empty(scores.shape, object)")
        | {"blend": "def blend(weights, values):\n    return np.zeros(weights.shape, [('a', 'f8'), ('b', 'O')])"},
    ),
    code(
        "equal-complex",
        FAMILY,
        "numbers whose kind the judge may not expect: complex, long double, dates",
        answers=_softmax("return scores + 0j")
        | {"blend": "def blend(weights, values):\n    return (weights @ values).astype('datetime64[s]')"},
    ),
    code(
        "equal-in-place",
        FAMILY,
        "inputs changed in place, so that comparisons with them hold",
        answers=_softmax("scores[...] = 0\nreturn scores"),
    ),
    code(
        "equal-in-place-blend",
        FAMILY,
        "a right answer that wipes its inputs, which the next question might share",
        answers={
            "blend": "def blend(weights, values):\n    output = weights @ values\n    values[...] = 0\n"
            "    weights.setflags(write=False)\n    return output"
        },
    ),
    code(
        "equal-endless",
        FAMILY,
        "a list that contains itself, a generator, an iterator without end",
        first="import itertools\nloop = []\nloop.append(loop)",
        answers=_softmax("return loop")
        | {"blend": "def blend(weights, values):\n    return itertools.repeat(0.0)"}
        | {"attend": "def attend(query, keys, values):\n    return (loop, loop)"},
    ),
    code(
        "equal-vast",
        FAMILY,
        "a view of one number that claims a million million of them",
        answers=_softmax("return np.broadcast_to(np.float64(0), (1_000_000, 1_000_000))"),
    ),
    code(
        "equal-all-words",
        FAMILY,
        "every word at once, and a huge text",
        answers={
            "diagnose_suspects": "def diagnose_suspects():\n    return ('overflows one sum wrong axis no exp',) * 3"
            " + ('x' * 10_000_000,)"
        },
    ),
)
