"""How the cases of an exercise call what a learner wrote, where that is not a plain call of a function.

A driver wraps it: what it returns is called with a case's arguments and returns the exercise's outputs. Most drivers
have to run where the learner's object is; `call` may stand for one in another process, and then has `driven`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from attention_lab.timed import read_timing

HERE: dict[str, Callable] = {"timing": read_timing}  # beside the judge: it is the judge's clock that counts
THERE = {  # beside the learner's object: the module and the name, imported when needed
    "module": "attention_lab.modules.drive_module",
    "tiles": "attention_lab.intermediates.largest_intermediate",
    "fused": "attention_lab.intermediates.count_fused_calls",
}


@dataclass(frozen=True)
class Driven:
    """A function that answers as the driver of its exercise does, and needs none any more."""

    call: Callable

    def __call__(self, *positional, **named):
        return self.call(*positional, **named)


def driven(call: Callable, driver: str) -> Callable:
    """`call` as the cases of an exercise with this driver call it; "" is a plain call."""
    if driver == "" or isinstance(call, Driven):
        return call
    if driver in HERE:
        return HERE[driver](call)
    elsewhere = getattr(call, "driven", None)
    return elsewhere(driver) if elsewhere is not None else drive(call, driver)


def drive(learners: object, driver: str) -> Callable:
    """The driver applied to the learner's own object, in the process where it is."""
    module, name = THERE[driver].rsplit(".", 1)
    return getattr(import_module(module), name)(learners)
