"""Calls a learner's `MultiHeadAttention`: construct it, give it weights, run it forwards and backwards."""

from collections.abc import Callable

import torch

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "out_proj")


class WrongParameters(Exception):
    """A module that has other parameters than it should; its text lists those that it has."""


def expected_parameters(d_model: int, bias: bool) -> str:
    """The listing of the parameters that the module should have."""
    shapes = {f"{name}.weight": (d_model, d_model) for name in PROJECTIONS}
    shapes |= {f"{name}.bias": (d_model,) for name in PROJECTIONS if bias}
    return listed(shapes)


def listed(shapes: dict[str, tuple]) -> str:
    """Names and shapes of parameters as one text."""
    return ", ".join(f"{name} {tuple(shape)}" for name, shape in sorted(shapes.items())) or "none"


def drive_module(kind: Callable) -> Callable:
    """kind(d_model, num_heads, bias) makes a module → a function of a case's arguments.

    weights (4, d_model, d_model) and biases (4, d_model) are those of q_proj, k_proj, v_proj and out_proj, biases None
    for a module without → output, weights, and the gradients of Σ output · probe with respect to the four weights and,
    stacked, the four biases; NaN where none arrives.
    """

    def call(d_model, num_heads, weights, biases, x, context=None, mask=None):
        bias = biases is not None
        module = kind(d_model, num_heads, bias=bias)
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"MultiHeadAttention is a {type(module).__name__}; it should be an nn.Module")
        parameters = dict(module.named_parameters())
        has = listed({name: parameter.shape for name, parameter in parameters.items()})
        if has != expected_parameters(d_model, bias):
            raise WrongParameters(has)
        module.to(weights.dtype)
        with torch.no_grad():
            for place, name in enumerate(PROJECTIONS):
                parameters[f"{name}.weight"].copy_(weights[place])
                if bias:
                    parameters[f"{name}.bias"].copy_(biases[place])
        named = {name: given for name, given in (("context", context), ("mask", mask)) if given is not None}
        returned = module(x, **named)
        if type(returned) not in (tuple, list) or len(returned) != 2:
            return returned
        return (*returned, *_gradients(returned[0], parameters, bias))

    return call


def _gradients(output, parameters: dict, bias: bool) -> list[torch.Tensor]:
    if isinstance(output, torch.Tensor) and output.requires_grad:
        probe = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape)
        (output * probe).sum().backward()
    weights = [_gradient(parameters[f"{name}.weight"]) for name in PROJECTIONS]
    biases = [_gradient(parameters[f"{name}.bias"]) for name in PROJECTIONS] if bias else [torch.zeros(0)]
    return [*weights, torch.stack(biases)]


def _gradient(parameter) -> torch.Tensor:
    return torch.full_like(parameter, torch.nan) if parameter.grad is None else parameter.grad
