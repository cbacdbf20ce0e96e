"""Multi-head attention with fault switches, in tensors: split, scores, mask, softmax, blend, merge."""

import math
from dataclasses import replace

import torch

from autograder.exercises.exercise import Fault, Raises, Untold
from autograder.exercises.masking import MASK_FAULTS
from autograder.exercises.scaling import SCALE_FAULTS

FEATURES = "Which features of a token belong to head 0? Do they lie side by side, and does each stay with its token?"
SPLIT_WITHOUT_TRANSPOSE = Fault(
    "split-without-transpose",
    "split",
    "a reshape alone: nothing exchanges the axis of the tokens with that of the heads",
    "`view` only cuts the same row of numbers elsewhere. Along which axis do the tokens run in `(batch, n, d_model)`, "
    "and along which in `(batch, heads, n, d_head)`? Change one token: in how many places does the result change?",
    ("", "tokens-first"),
)
SPLIT_INTERLEAVED = Fault(
    "split-interleaved",
    "split",
    "heads that take every h-th feature instead of a slice of neighbours",
    "Which features of a token does head 0 get: the first d_head ones, or one here and one there?",
)
MERGE_WITHOUT_TRANSPOSE = Fault(
    "merge-without-transpose",
    "merge",
    "a reshape alone: nothing brings the heads of one token together before they are joined",
    "In the memory of `(batch, heads, n, d_head)`, what follows the features of a token in one head: the same token "
    "in the next head, or the next token? Which axes must be exchanged first?",
)
MERGE_INTERLEAVED = Fault(
    "merge-interleaved",
    "merge",
    "features that alternate between the heads",
    "Which head do the first d_head features of a merged token come from?",
    quiet=True,
)
MERGE_AVERAGES = Fault(
    "merge-averages-heads",
    "merge",
    "heads that are added up or averaged, where they should stand side by side",
    "Each head has found something else. How many features has a token when nothing of it is lost?",
)
SCALE = (
    *SCALE_FAULTS[:2],
    Fault(
        "scaled-by-sqrt-d_model",
        "scale",
        "scores divided by √d_model",
        "How many numbers are multiplied and summed in one score of one head?",
    ),
    Fault(
        "scaled-by-sqrt-heads",
        "scale",
        "scores divided by the square root of the number of heads",
        "How many numbers are multiplied and summed in one score? Do the other heads add anything to it?",
        quiet=True,
    ),
)
OVER_HEADS = Fault(
    "softmax-over-heads",
    "axis",
    "a softmax over the heads: they compete with one another for every pair of tokens",
    "In scores of shape `(batch, heads, n_q, n_k)`, which axis holds the keys that one query shares its attention "
    "among?",
    ("", "zeros", "finite"),
)
OVER_QUERIES = Fault(
    "softmax-over-queries",
    "axis",
    "softmax over the queries: down the columns instead of along the rows",
    "Every query shares out its own attention among the keys. Which axis holds the keys?",
    ("", "zeros", "finite"),
)
MASK = tuple(
    replace(fault, matches="hidden scores set to 0, or nearly 0") if fault.id == "mask-as-zero-score" else fault
    for fault in MASK_FAULTS
    if fault.id != "fill-too-small"
)
OUTPUT_PROJECTION = Fault(
    "output-projection-forgotten",
    "out",
    "the merged heads themselves: nothing is projected after them",
    "What mixes what the heads have found, once they stand side by side?",
)
HEADS_AVERAGED = Fault(
    "heads-averaged",
    "heads",
    "attention weights averaged over the heads",
    "Each head looks somewhere else. What is left of that in a mean, and how many axes should `weights` have?",
    ("", "kept", "expanded", "before-blending"),
)


def split(x, num_heads, faults):
    """(batch, n, d_model) → (batch, heads, n, d_head), with faults in which features go where."""
    batch, length, d_model = x.shape
    if "split-without-transpose" in faults:
        return x.reshape(batch, num_heads, length, d_model // num_heads)
    if "split-without-transpose/tokens-first" in faults:
        return x.reshape(batch, length, num_heads, d_model // num_heads)
    if {"split-interleaved", "split-interleaved/merged-back"} & faults:
        return x.reshape(batch, length, d_model // num_heads, num_heads).permute(0, 3, 1, 2)
    return x.reshape(batch, length, num_heads, d_model // num_heads).transpose(1, 2)


def merge(x, faults):
    """(batch, heads, n, d_head) → (batch, n, d_model), with faults in how the heads are joined."""
    batch, heads, length, d_head = x.shape
    if "split-without-transpose/tokens-first" in faults:  # heads and tokens have changed places, and stay there
        return x.reshape(batch, heads, length * d_head)
    if "merge-without-transpose" in faults:
        return x.reshape(batch, length, heads * d_head)
    if "merge-averages-heads/repeated" in faults:
        return x.mean(dim=1).repeat(1, 1, heads)
    if "merge-averages-heads/summed" in faults:
        return x.sum(dim=1).repeat(1, 1, heads)
    if {"merge-interleaved", "split-interleaved/merged-back"} & faults:
        return x.permute(0, 2, 3, 1).reshape(batch, length, -1)
    return x.transpose(1, 2).reshape(batch, length, -1)


def attend(query, key, value, mask, faults):
    """Scaled, masked attention in every head, with faults → what is blended in each head, weights."""
    d_head = query.shape[-1]
    divisor = math.sqrt(d_head)
    if "unscaled" in faults:
        divisor = 1.0
    elif "scaled-by-d_k" in faults:
        divisor = d_head
    elif "scaled-by-sqrt-d_model" in faults:
        divisor = math.sqrt(d_head * query.shape[1])
    elif "scaled-by-sqrt-heads" in faults:
        divisor = math.sqrt(query.shape[1])
    elif "scaled-by-sqrt-length/keys" in faults:
        divisor = math.sqrt(key.shape[-2])
    elif "scaled-by-sqrt-length/queries" in faults:
        divisor = math.sqrt(query.shape[-2])
    weights = _weights(query @ key.transpose(-2, -1) / divisor, mask, faults)
    if "heads-averaged/before-blending" in faults:
        weights = weights.mean(dim=1, keepdim=True).expand_as(weights)
    blended = weights @ (key if "blends-keys" in faults else value)
    if "heads-averaged" in faults:
        weights = weights.mean(dim=1)
    elif "heads-averaged/kept" in faults:
        weights = weights.mean(dim=1, keepdim=True)
    elif "heads-averaged/expanded" in faults:
        weights = weights.mean(dim=1, keepdim=True).expand_as(weights)
    return blended, weights


FILLS = {"100": -1e2, "1e3": -1e3, "1e4": -1e4}
WITHOUT_SIGN = {"1e9": 1e9, "infinity": math.inf}


def _weights(scores, mask, faults):
    """Softmax of the scores over the permitted keys, with faults."""
    axis, finite, zeros = -1, False, False
    for fault, dim in (("softmax-over-heads", 1), ("softmax-over-queries", -2)):
        for variant in ("", "/zeros", "/finite"):
            if fault + variant in faults:
                axis, finite, zeros = dim, variant == "/finite", variant == "/zeros"
    if "crashes-without-mask" in faults:
        if "split-without-transpose/tokens-first" in faults:
            raise Untold  # it stops with a mask too: nothing would tell it from any other fault that stops
        if mask is None:
            raise Raises
    if mask is None or "mask-ignored" in faults:
        return torch.softmax(scores, dim=axis)
    empty = _read_as_empty(mask, faults)
    if {"mask-inverted", "mask-inverted/fill", "mask-inverted/both"} & faults:
        mask = ~mask
    if "mask-after-softmax" in faults:
        return torch.softmax(scores, dim=axis) * mask
    fill = -1e30 if finite or "fully-masked-uniform" in faults else -math.inf
    if {"mask-as-zero-score/uniform", "mask-as-zero-score/zeros"} & faults:
        fill = 0.0
    small = next((fault for fault in faults if fault.startswith("fill-too-small")), "")
    fill = FILLS[small.split("/")[1]] if small else fill
    positive = next((fault for fault in faults if fault.startswith("fill-without-sign")), "")
    fill = WITHOUT_SIGN[positive.split("/")[1]] if positive else fill
    weights = torch.softmax(scores.masked_fill(~mask, fill), dim=axis)
    if zeros:
        weights = torch.nan_to_num(weights)
    left = {"fully-masked-nan", "fully-masked-uniform", "mask-as-zero-score/uniform"} & faults
    if left or any(fault and not fault.endswith("/zeros") for fault in (small, positive)):
        return weights
    return weights.masked_fill(empty, 0.0)


def _read_as_empty(mask, faults):
    """Which rows the last line takes for rows without a key: True there. → (..., n_q, 1)"""
    if "mask-inverted" in faults:  # once for all, before it is used
        return mask.all(dim=-1, keepdim=True)
    seen = mask.any(dim=-1, keepdim=True)
    return seen if {"mask-inverted/both", "mask-inverted/line"} & faults else ~seen
