"""Keeps hidden inputs out of messages: an exception may not say of them whatever its author likes.

A learner's function is asked about inputs that no message shows. What it raises about them reaches the learner only as
far as it is an error that Python and NumPy are known to raise, with sizes at most, at a line that the learner wrote.
Arrays of more axes than any exercise has are not shown either: their sizes would tell as much.

Not covered: what a verdict must show of an answer itself, such as a shape of few axes or one of its numbers.
"""

import builtins
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from attention_lab.comparison import TOLD_BY_TEXT
from attention_lab.drivers import driven
from attention_lab.observation import Failure, Reported
from attention_lab.sheet import Case
from attention_lab.tensors import is_tensor

from autograder.session import MISSING, STOPPED

SIZE, NAME = r"-?\d{1,4}", r"[A-Za-z_]\w{0,40}"
SHAPE = rf"\((?:{SIZE},? ?){{0,6}}\)"
TYPE = "(?:NoneType|builtin_function_or_method|complex|dict|float|function|int|list|method|numpy\\.\\w+|set|str|tuple)"
LIST = rf"\[(?:{SIZE}(?:, )?){{0,6}}\]"
SCALAR = "(?:Bool|Int|Long|Half|BFloat16|Float|Double)"
OF_TORCH = (
    rf"The size of tensor a \({SIZE}\) must match the size of tensor b \({SIZE}\) at non-singleton dimension {SIZE}",
    rf"mat1 and mat2 shapes cannot be multiplied \({SIZE}x{SIZE} and {SIZE}x{SIZE}\)",
    rf"Expected size for first two dimensions of batch2 tensor to be: {LIST} but got: {LIST}\.",
    rf"Dimension out of range \(expected to be in range of {LIST}, but got {SIZE}\)",
    rf"Sizes of tensors must match except in dimension {SIZE}\. Expected size {SIZE} but got size {SIZE} for tensor "
    rf"number {SIZE} in the list\.",
    rf"shape '{LIST}' is invalid for input of size {SIZE}",
    rf"index {SIZE} is out of bounds for dimension {SIZE} with size {SIZE}",
    f"expected scalar type {SCALAR} but found {SCALAR}",
    f"value cannot be converted to type c10::{SCALAR} without overflow",
    "Boolean value of Tensor with more than one value is ambiguous",
    "bad operand type for unary [-~]: 'NoneType'",
)
TEXTS = (
    *OF_TORCH,
    rf"\w{{1,12}}: the inner sizes {SIZE} and {SIZE} differ",
    rf"operands could not be broadcast together with shapes {SHAPE} {SHAPE}",
    rf"could not broadcast input array from shape {SHAPE} into shape {SHAPE}",
    rf"shapes {SHAPE} and {SHAPE} not aligned: {SIZE} \(dim {SIZE}\) != {SIZE} \(dim {SIZE}\)",
    rf"cannot reshape array of size {SIZE} into shape {SHAPE}",
    rf"index {SIZE} is out of bounds for axis {SIZE} with size {SIZE}",
    rf"(?:axis[12]?: )?axis {SIZE} is out of bounds for array of dimension {SIZE}",
    rf"too many indices for array: array is {SIZE}-dimensional, but {SIZE} were indexed",
    rf"too many values to unpack \(expected {SIZE}(?:, got {SIZE})?\)",
    rf"not enough values to unpack \(expected {SIZE}, got {SIZE}\)",
    "axes don't match array",
    "only (?:length-1|size-1|0-dimensional) arrays can be converted to Python scalars",
    "only integer scalar arrays can be converted to a scalar index",
    r"The truth value of an array with more than one element is ambiguous\. Use a\.any\(\) or a\.all\(\)",
    "assignment destination is read-only",
    "(?:list|tuple|string) index out of range",
    "(?:float |integer )?(?:division|modulo)(?: or modulo)? by zero",
    "math (?:domain|range) error",
    f"name '{NAME}' is not defined",
    f"cannot access local variable '{NAME}' where it is not associated with a value",
    rf"{NAME}\(\) takes {SIZE} positional arguments? but {SIZE} (?:was|were) given",
    rf"{NAME}\(\) missing {SIZE} required positional arguments?: '{NAME}'(?: and '{NAME}')?",
    rf"{NAME}\(\) got an unexpected keyword argument '{NAME}'",
    f"'{TYPE}' object is not (?:callable|iterable|subscriptable)",
    f"'{TYPE}' object has no attribute '{NAME}'",
    f"object of type '{TYPE}' has no len\\(\\)",
    rf"unsupported operand type\(s\) for [-+*/@%&|^<>=]{{1,3}}: '{TYPE}' and '{TYPE}'",
)
PARAMETER = rf"[\w.]{{1,80}} {SHAPE}"
PARAMETERS = re.compile(f"none|{PARAMETER}(?:, {PARAMETER}){{0,100}}")
KNOWN = re.compile("|".join(TEXTS))
FUNCTION = rf"({NAME}|<module>|<lambda>|<\w{{1,4}}comp>)"
WHERE = re.compile(
    rf"line \d{{1,4}} of your (?:cell|file), in `{FUNCTION}`(?:: `(.*?)`)?"
    rf"(?:, which `{FUNCTION}` calls at line \d{{1,4}} of its (?:cell|file)(?:: `(.*)`)?)?"
)
QUOTED = re.compile(
    rf"name '({NAME})'|variable '({NAME})'|(?:attribute|argument) '({NAME})'|({NAME})\(\) (?:takes|missing|got)"
)
OURS = re.compile(
    r"it took more than [\d.]{1,8} seconds|the answer is none"
    r"|the answer has [\d,]{1,20} bytes; at most [\d,]{1,20} are taken"
    rf"|`{NAME}` is not defined when the notebook has run to its end"
)
OUR_KINDS = (MISSING, "TimeLimit", "Unreadable")
WITHHELD = "(its text is not shown for hidden inputs; call it with inputs of these shapes to see it)"


MOST_AXES = 6


@dataclass(frozen=True)
class Discreet:
    """`call`, to be asked about one case after the other; `words` are those of the cells that ran."""

    call: Callable
    words: "Words"
    case: Case | None = None

    def about(self, case: Case) -> "Discreet":
        return replace(self, case=case)

    def driven(self, driver: str) -> "Discreet":
        return replace(self, call=driven(self.call, driver))

    def __call__(self, *arguments, **named):
        shown = self.case is not None and self.case.shown
        try:
            returned = self.call(*arguments, **named)
        except Reported as reported:
            failure = reported.failure
            if shown and failure.kind not in OUR_KINDS:
                failure = replace(failure, waits_for=self.words.name(failure.waits_for))
            else:
                failure = self.words.kept(failure)
            raise Reported(failure) from None
        return returned if shown else _few_axes(returned)


def discreet(call: Callable, sources: Iterable[str]) -> Discreet:
    """`call` as a judge may hear it; `sources` are the cells that ran."""
    return Discreet(call, Words(sources))


class Words:
    """What stands in a learner's cells: of a hidden input nothing else is said."""

    def __init__(self, sources: Iterable[str]):
        text = "\n".join(sources)
        self._lines = {line.strip() for line in text.split("\n")}
        self._names = set(re.findall(r"\w+", text))

    def kept(self, failure: Failure) -> Failure:
        """The failure without whatever could carry numbers."""
        if failure.kind == STOPPED:  # said by the session itself
            return failure
        if failure.kind in OUR_KINDS:
            return Failure(failure.kind, failure.text if OURS.fullmatch(failure.text) else "")
        if failure.kind == TOLD_BY_TEXT:
            return failure if self._are_parameters(failure.text) else replace(failure, text="other than they should be")
        kind = failure.kind if failure.kind in self._names or hasattr(builtins, failure.kind) else "Exception"
        text = failure.text if not failure.text or self._is_known(failure.text) else WITHHELD
        return Failure(kind, text, self._place(failure.where), self.name(failure.waits_for), failure.bases)

    def name(self, name: str) -> str:
        """A name that the learner wrote, or nothing."""
        return name if name in self._names else ""

    def _are_parameters(self, text: str) -> bool:
        """Whether this lists parameters by names that the learner wrote."""
        names = re.findall(r"[A-Za-z_]\w*", text)
        return bool(PARAMETERS.fullmatch(text)) and set(names) - {"weight", "bias"} <= self._names

    def _is_known(self, text: str) -> bool:
        said = {name for groups in QUOTED.findall(text) for name in groups if name}
        return bool(OURS.fullmatch(text) or KNOWN.fullmatch(text)) and said <= self._names

    def _place(self, where: str) -> str:
        """Where it happened, if that is a line which the learner wrote."""
        place = WHERE.fullmatch(where)
        if place is None:
            return ""
        function, line, caller, call = place.groups()
        theirs = all(name is None or name.startswith("<") or name in self._names for name in (function, caller))
        return where if theirs and {line, call} <= {None, *self._lines} else ""


def _few_axes(returned):
    """What was returned, without the sizes of arrays that have more axes than any answer."""
    if isinstance(returned, tuple | list):
        return type(returned)(_few_axes(item) for item in returned)
    if is_tensor(returned) and returned.ndim > MOST_AXES:
        return returned.new_zeros((1,) * (MOST_AXES + 1))
    if isinstance(returned, np.ndarray) and returned.ndim > MOST_AXES:
        return np.zeros((1,) * (MOST_AXES + 1), returned.dtype)
    return returned
