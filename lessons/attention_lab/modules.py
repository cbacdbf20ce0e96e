"""Calls a learner's `MultiHeadAttention`: construct it, give it weights, run it forwards and backwards."""

from collections.abc import Callable
from functools import wraps

import torch

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "out_proj")
PARAMETERS = tuple(f"{name}.{kind}" for kind in ("weight", "bias") for name in PROJECTIONS)
OUTPUTS = ("output", "weights", *(f"{name}.grad" for name in PARAMETERS))
MOST = 10  # parameters that are listed
NOTHING = torch.zeros(0)


class WrongParameters(Exception):
    """A module that has other parameters than it should; its text lists those that it has."""

    def __init__(self, has: str, bias: bool):
        super().__init__(f"{has}, where bias={bias}")


class NotAModule(Exception):
    """What was made is no nn.Module."""


def expected_parameters(d_model: int, bias: bool) -> str:
    """The listing of the parameters that the module should have."""
    shapes = {f"{name}.weight": (d_model, d_model) for name in PROJECTIONS}
    shapes |= {f"{name}.bias": (d_model,) for name in PROJECTIONS if bias}
    return listed(shapes)


def listed(shapes: dict[str, tuple]) -> str:
    """Names and shapes of parameters as one text."""
    words = [f"{name} {tuple(shape)}" for name, shape in sorted(shapes.items())]
    return ", ".join(words[:MOST]) + (f", and {len(words) - MOST} more" if len(words) > MOST else "") or "none"


def drive_module(kind: Callable) -> Callable:
    """kind(d_model, num_heads, bias) makes a module → a function of a case's arguments.

    projections (4, d_model, d_model) and biases (4, d_model) are for q_proj, k_proj, v_proj and out_proj, biases None
    for a module without → output, weights, and where there is a probe of output's shape, the gradients of
    Σ output · probe with respect to each of PARAMETERS; empty where none arrives or none is asked for.
    """

    @wraps(kind, assigned=("__name__", "__doc__"), updated=())
    def call(d_model, num_heads, projections, biases, x, context=None, mask=None, probe=None):
        bias = biases is not None
        module = kind(d_model, num_heads, bias=bias)
        if not isinstance(module, torch.nn.Module):
            raise NotAModule(f"it made a {type(module).__name__}, and not an nn.Module")
        parameters = dict(module.named_parameters())
        has = listed({name: parameter.shape for name, parameter in parameters.items()})
        if has != expected_parameters(d_model, bias):
            raise WrongParameters(has, bias)
        module.to(projections.dtype)
        with torch.no_grad():
            for place, name in enumerate(PROJECTIONS):
                parameters[f"{name}.weight"].copy_(projections[place])
                if bias:
                    parameters[f"{name}.bias"].copy_(biases[place])
        named = {name: given for name, given in (("context", context), ("mask", mask)) if given is not None}
        return with_gradients(module(x, **named), parameters, probe)

    return call


def with_gradients(returned, parameters: dict[str, torch.Tensor], probe: torch.Tensor | None):
    """What a module returned, and the gradients of its parameters; without a probe they are empty tensors."""
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        return tuple(returned)[:3] if isinstance(returned, tuple | list) else returned
    if probe is None:
        return (*returned, *(NOTHING for _ in PARAMETERS))
    output = returned[0]
    if isinstance(output, torch.Tensor) and output.requires_grad and output.shape == probe.shape:
        (output * probe).sum().backward()
    return (*returned, *(_gradient(parameters.get(name)) for name in PARAMETERS))


def _gradient(parameter: torch.Tensor | None) -> torch.Tensor:
    return NOTHING if parameter is None or parameter.grad is None else parameter.grad
