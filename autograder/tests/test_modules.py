"""How a learner's `MultiHeadAttention` is called, and what is said where it cannot be."""

from collections import namedtuple

import pytest
import torch
from attention_lab.judge import judge
from attention_lab.modules import PARAMETERS, WrongParameters, drive_module
from torch import nn

from solutions.multi_head import MultiHeadAttention

D_MODEL, HEADS, LENGTH = 6, 3, 5


@pytest.fixture
def arguments():
    """projections, biases, x and a probe, float64."""
    generator = torch.Generator().manual_seed(61)
    sizes = {"projections": (4, D_MODEL, D_MODEL), "biases": (4, D_MODEL)}
    sizes |= dict.fromkeys(("x", "probe"), (2, LENGTH, D_MODEL))
    made = {name: torch.randn(*size, generator=generator, dtype=torch.float64) for name, size in sizes.items()}
    return {"d_model": D_MODEL, "num_heads": HEADS, **made}


class OutputAlone(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        return super().forward(x, context, mask)[0]


class AskedForMore(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        return *super().forward(x, context, mask), *[torch.zeros(0)] * len(PARAMETERS)


class NoModule:
    def __init__(self, d_model, num_heads, bias=True):
        pass


def test_gradients_are_those_of_the_weights_that_were_given(arguments):
    outputs = drive_module(MultiHeadAttention)(**arguments)
    gradients = dict(zip(PARAMETERS, outputs[2:], strict=True))
    step = 1e-6
    moved = arguments | {"projections": arguments["projections"].clone()}
    moved["projections"][2, 1, 4] += step
    change = (drive_module(MultiHeadAttention)(**moved)[0] - outputs[0]).detach()
    assert gradients["v_proj.weight"][1, 4] == pytest.approx(
        float((change * arguments["probe"]).sum()) / step, rel=1e-5
    )
    assert gradients["k_proj.bias"].abs().max() < 1e-12  # zero by theory, and yet it arrives


def test_without_a_probe_nobody_asks_for_gradients(arguments):
    del arguments["probe"]
    assert [output.numel() for output in drive_module(MultiHeadAttention)(**arguments)[2:]] == [0] * len(PARAMETERS)


def test_without_biases_there_are_no_gradients_of_them(arguments):
    outputs = drive_module(MultiHeadAttention)(**arguments | {"biases": None})
    assert [output.numel() for output in outputs[2:]] == [D_MODEL**2] * 4 + [0] * 4


def test_a_module_with_other_parameters_lists_them():
    def one_layer(d_model, num_heads, bias=True):
        return nn.Linear(d_model, d_model, bias)

    with pytest.raises(WrongParameters, match=r"^bias \(2,\), weight \(2, 2\), where bias=True$"):
        drive_module(one_layer)(2, 1, torch.zeros(4, 2, 2), torch.zeros(4, 2), torch.zeros(1, 3, 2))


def test_gradients_cannot_be_handed_in_beside_the_output(sheet_of):
    verdict = judge(sheet_of("MultiHeadAttention"), AskedForMore)
    assert (
        verdict.points == 0 and "your module returned 3 things; it should return 2, `(output, weights)`" in verdict.seen
    )


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (OutputAlone, "your module returned only a torch tensor; it should return 2 things, `(output, weights)`."),
        (NoModule, "your module stopped with `NotAModule: it made a NoModule, and not an nn.Module`."),
    ],
)
def test_what_is_no_such_module_is_told_in_words(sheet_of, kind, said):
    verdict = judge(sheet_of("MultiHeadAttention"), kind)
    assert verdict.seen.endswith(said) and verdict.misconceptions == ()


@pytest.mark.parametrize("method", ["__init__", "forward"])
def test_a_class_that_is_not_written_yet_is_not_started(sheet_of, method):
    cell = {"__name__": "__main__", "Right": MultiHeadAttention}
    source = (
        f"class MultiHeadAttention(Right):\n    def {method}(self, *given, **named):\n        raise NotImplementedError"
    )
    exec(compile(source, "<cell>", "exec"), cell)
    verdict = judge(sheet_of("MultiHeadAttention"), cell["MultiHeadAttention"])
    assert not verdict.started and verdict.message == "`MultiHeadAttention` is not started yet."


def test_a_named_tuple_is_two_things(sheet_of):
    Result = namedtuple("Result", "output weights")

    class Named(MultiHeadAttention):
        def forward(self, x, context=None, mask=None):
            return Result(*super().forward(x, context, mask))

    assert judge(sheet_of("MultiHeadAttention"), Named).passed
