"""Lesson 6: the mistakes of attention in tensors, by their names."""

from dataclasses import replace

import numpy as np

from autograder.exercises import faulty_attention as steps
from autograder.exercises.exercise import Fault
from autograder.exercises.faulty_softmax import STABILITY
from autograder.exercises.masking import MASK_FAULTS, WITHOUT_MASK
from autograder.exercises.scaling import SCALE_FAULTS

TRANSPOSES = {
    "transposes-wrong-axes": lambda key: np.swapaxes(key, 1, 2),
    "transposes-wrong-axes/0-1": lambda key: np.swapaxes(key, 0, 1),
    "transposes-wrong-axes/all": lambda key: key.T,
    "transposes-wrong-axes/first-and-last": lambda key: np.swapaxes(key, 1, -1),
    "transposes-wrong-axes/heads-and-last": lambda key: np.swapaxes(key, -3, -1),
    "transposes-wrong-axes/heads-and-keys": lambda key: np.swapaxes(key, -3, -2),
    "transposes-wrong-axes/reshape": lambda key: key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2]),
}
WRONG_AXES = {  # switch: the axis of the softmax for so many axes
    "softmax-over-queries": lambda axes: -2,
    "softmax-over-heads": lambda axes: 1,
    "softmax-over-heads/third-to-last": lambda axes: -3,
    "softmax-over-heads/default": lambda axes: 0 if axes == 3 else 1,
}
HOW_MASKED = ("mask-added-as-number", "mask-as-zero-score", "fill-")
TRANSPOSED = Fault(
    "transposes-wrong-axes",
    "axes",
    "scores from keys whose axes were exchanged in another way than the last two",
    "For keys of shape (batch, heads, n_k, d_k), which two axes have to change places, however many stand before them?",
    tuple(switch.partition("/")[2] for switch in TRANSPOSES),
)
OVER_QUERIES = Fault(
    "softmax-over-queries",
    "softmax",
    "softmax over the queries: down the columns instead of along the rows",
    "Every query shares out its attention among the keys. Which axis of the scores holds the keys?",
)
OVER_HEADS = Fault(
    "softmax-over-heads",
    "softmax",
    "softmax over the heads",
    "Each head shares out its own attention among the keys. Which axis of the scores holds the keys?",
    ("", "third-to-last", "default"),
)
OVERFLOWS = Fault(
    "fill-overflows-half",
    "mask",
    "hidden scores filled with a large finite number such as -1e9: float16 ends at -65504, and a row in which every "
    "key is hidden shares itself out evenly",
    "Which score is lower than every other in every dtype, and what is left of a row that has no other?",
    ("", "zeros", "where"),
)
ADDED = Fault(
    "mask-added-as-number",
    "mask",
    "a mask of True and False added to the scores as 1 and 0",
    "What does adding 1 to a score do to its weight? By how much must a hidden score fall?",
    ("", "zeros", "hidden", "hidden-zeros"),
)
FLOAT32 = Fault(
    "hard-coded-float32",
    "dtype",
    "float32 where the inputs have another dtype",
    "Which dtype have the inputs, and which have the tensors that you make or convert? What comes back should have "
    "the dtype that went in.",
    ("", "half", "raises", "half-raises", "mask-raises"),
)
_MASKS = {fault.id: fault for fault in MASK_FAULTS}
TOO_SMALL = Fault(
    "fill-too-small",
    "mask",
    _MASKS["fill-too-small"].matches,
    _MASKS["fill-too-small"].look_at,
    tuple(f"{fill}{mended}" for fill in ("10", "100", "1e3", "1e4") for mended in ("", "/zeros")),
)
SCALES = SCALE_FAULTS[:3]
UNSTABLE = Fault("softmax-unstable", "softmax", STABILITY[0].matches, STABILITY[0].look_at)
INVERTED = replace(_MASKS["mask-inverted"], variants=("", "fill", "line"))  # `~` stands in two lines
MASKS = (
    INVERTED,
    _MASKS["mask-ignored"],
    ADDED,
    TOO_SMALL,
    OVERFLOWS,
    _MASKS["fully-masked-nan"],
    _MASKS["fully-masked-uniform"],
)
BATCHED_FAULTS = (
    TRANSPOSED,
    *SCALES,
    OVER_QUERIES,
    OVER_HEADS,
    UNSTABLE,
    _MASKS["mask-after-softmax"],
    _MASKS["mask-as-zero-score"],
    *MASKS,
    WITHOUT_MASK,
    steps.BLENDS_KEYS,
    FLOAT32,
)
