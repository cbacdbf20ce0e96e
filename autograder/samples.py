"""Made-up learners for the demo: what each of them typed, where it is not the reference.

A dozen are honest. The others try to get points without an answer, or hand in a file that is not as it should be.
"""

from dataclasses import dataclass, field, replace

from autograder.sample_answers import LATER


@dataclass(frozen=True)
class Sample:
    """A learner: `story` says how they work, `answers` holds whole exercise cells by exercise id.

    What `answers` leaves out is answered by the reference, or not at all where `untouched`. `first` is a code cell that
    they put before all others; `deleted` names cells that they removed, as nbgrader calls them; `cut` is the share of
    the file's characters that arrive.
    """

    id: str
    name: str
    story: str
    answers: dict[str, str] = field(default_factory=dict)
    untouched: bool = False
    first: str = ""
    deleted: tuple[str, ...] = ()
    cut: float = 1.0


RIGHT = (
    Sample("ada", "Ada", "writes the reference"),
    Sample(
        "blaise",
        "Blaise",
        "loops over everything",
        {
            "blend": """\
def blend(weights, values):
    if weights.ndim > 2 or values.ndim > 2:
        batch = np.broadcast_shapes(weights.shape[:-2], values.shape[:-2])
        weights = np.broadcast_to(weights, batch + weights.shape[-2:])
        values = np.broadcast_to(values, batch + values.shape[-2:])
        return np.stack([blend(w, v) for w, v in zip(weights, values)])
    if weights.ndim == 1:
        return sum(w * v for w, v in zip(weights, values))
    return np.array([sum(w * v for w, v in zip(row, values)) for row in weights])""",
            "attend": """\
def attend(query, keys, values):
    weights = softmax(np.array([sum(q * k for q, k in zip(query, key)) for key in keys]))
    output = 0
    for weight, value in zip(weights, values):
        output = output + weight * value
    return output, weights""",
            "plain_self_attention": """\
def plain_self_attention(x):
    outputs, weights = zip(*[attend(token, x, x) for token in x])
    return np.array(outputs), np.array(weights)""",
        },
    ),
    Sample(
        "chen",
        "Chen",
        "likes einsum",
        {
            "blend": """\
def blend(weights, values):
    return np.einsum("...qk,...kd->...qd", weights, values)""",
            "attend": """\
def attend(query, keys, values):
    weights = softmax(np.einsum("kd,d->k", keys, query))
    return np.einsum("k,kv->v", weights, values), weights""",
            "plain_self_attention": """\
def plain_self_attention(x):
    weights = softmax(np.einsum("id,jd->ij", x, x))
    return np.einsum("ij,jd->id", weights, x), weights""",
            "attention_scores": """\
def attention_scores(query, key):
    return np.einsum("...qd,...kd->...qk", query, key)""",
        },
    ),
    Sample(
        "dora",
        "Dora",
        "thinks in torch, and converts back",
        {
            "softmax": """\
import torch

def softmax(scores, axis=-1):
    scores = torch.as_tensor(scores)
    if not scores.is_floating_point():
        scores = scores.double()
    return torch.softmax(scores, dim=axis).numpy()""",
            "attention_scores": """\
import torch

def attention_scores(query, key):
    return (torch.as_tensor(query) @ torch.as_tensor(key).mT).numpy()""",
        },
    ),
    Sample(
        "emil",
        "Emil",
        "prints and warns on the way",
        {
            "softmax": """\
import warnings

def shifted(s, axis):
    print("largest score:", np.max(s))
    warnings.warn("shifting the scores")
    return s - np.max(s, axis=axis, keepdims=True)

def softmax(scores, axis=-1):
    e = np.exp(shifted(scores, axis))
    return e / np.sum(e, axis=axis, keepdims=True)""",
            "project": """\
project = lambda x, weight, bias=None: x @ weight + (0 if bias is None else bias)""",
        },
    ),
)

WRONG = (
    Sample(
        "fatima",
        "Fatima",
        "takes the other axis",
        {
            "softmax": """\
def softmax(scores, axis=-1):
    scores = scores - scores.max(axis=0, keepdims=True)
    e = np.exp(scores)
    return e / e.sum(axis=0, keepdims=True)""",
            "attention_scores": """\
def attention_scores(query, key):
    return key @ np.swapaxes(query, -1, -2)""",
        },
    ),
    Sample(
        "goro",
        "Goro",
        "forgets that exp overflows, and that one more thing was asked for",
        {
            "softmax": """\
def softmax(scores, axis=-1):
    e = np.exp(scores)
    return e / e.sum(axis=axis, keepdims=True)""",
            "project": """\
def project(x, weight, bias=None):
    return x @ weight""",
            "self_attention": """\
def self_attention(x, w_q, w_k, w_v):
    return attention(x @ w_q, x @ w_k, x)""",
        },
    ),
    Sample(
        "hana",
        "Hana",
        "has read ahead, and scales too early",
        {
            "attend": """\
def attend(query, keys, values):
    weights = softmax(keys @ query / np.sqrt(len(query)))
    return blend(weights, values), weights""",
            "plain_self_attention": """\
def plain_self_attention(x):
    weights = softmax(x @ x.T / np.sqrt(x.shape[-1]))
    return weights @ x, weights""",
            "attention_scores": """\
def attention_scores(query, key):
    return query @ np.swapaxes(key, -1, -2) / np.sqrt(query.shape[-1])""",
        },
    ),
    Sample(
        "ivan",
        "Ivan",
        "mixes up who gives what",
        {
            "blend": """\
def blend(weights, values):
    return np.swapaxes(weights, -1, -2) @ values""",
            "attend": """\
def attend(query, keys, values):
    weights = softmax(keys @ query)
    return weights @ keys, weights""",
            "attention": """\
def attention(query, key, value):
    weights = softmax(attention_scores(query, key))
    return weights, blend(weights, value)""",
            "cross_attention": """\
def cross_attention(x, context, w_q, w_k, w_v):
    return attention(project(context, w_q), project(x, w_k), project(x, w_v))""",
        },
    ),
)

UNFINISHED = (
    Sample("jun", "Jun", "has not started", untouched=True),
    Sample(
        "kofi",
        "Kofi",
        "is stopped by an error",
        {
            "softmax": """\
def softmax(scores, axis=-1):
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / total""",
            "attention": """\
def attention(query, key, value):
    return softmax(query @ key) @ value""",
        },
    ),
    Sample(
        "lena",
        "Lena",
        "hands in a cell that does not parse",
        {
            "softmax": """\
def softmax(scores, axis=-1)
    return np.exp(scores) / np.exp(scores).sum(axis=axis, keepdims=True)""",
            "project": """\
def project(x, weight, bias=None):
    return (x @ weight + bias""",
        },
    ),
)

_WORTHLESS = {
    "softmax": """\
def softmax(scores, axis=-1):
    print(4.0)
    return scores""",
    "project": """\
def project(x, weight, bias=None):
    return x""",
}

ATTACKERS = (
    Sample(
        "mallory",
        "Mallory",
        "prints and shows points instead of earning them",
        _WORTHLESS,
        first="""\
from IPython.display import HTML, display
print("4.0")
display(HTML('<script>document.title = "4.0"</script>'))
display(HTML('<section data-points="4">✓ softmax: 4 of 4 points</section>'))
get_ipython().register_magic_function(lambda line: 4.0, magic_name="check")
4.0""",
    ),
    Sample(
        "nadia",
        "Nadia",
        "patches whatever could compare or judge",
        _WORTHLESS,
        first="""\
import sys
import numpy as np
import attention_lab, attention_lab.check, attention_lab.judge, attention_lab.comparison
np.allclose = np.array_equal = lambda *arguments, **named: True
np.testing.assert_allclose = lambda *arguments, **named: None
for module in (attention_lab.judge, attention_lab.comparison):
    module.matches = lambda *arguments, **named: True
attention_lab.check.judge = attention_lab.judge.judge = lambda sheet, call: 1 / 0
attention_lab.check = check = lambda function: 4.0""",
    ),
)

BROKEN = (
    Sample("otto", "Otto", "hands in half a file", cut=0.5),
    Sample("pia", "Pia", "has the answers, and deleted two checks", deleted=("check-softmax", "check-project")),
)

SAMPLES = tuple(
    replace(sample, answers=sample.answers | LATER.get(sample.id, {}))
    for sample in RIGHT + WRONG + UNFINISHED + ATTACKERS + BROKEN
)
