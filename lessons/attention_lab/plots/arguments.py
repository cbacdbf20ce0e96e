"""What a plot is given, checked once, and refused in words."""

import numbers

import numpy as np


def as_numbers(name, value, axes=None):
    """A NumPy array of floats from an array, a nested list or a tensor, with `axes` axes if that is given."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.double() if hasattr(value, "double") else value
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} holds something other than numbers, or its rows differ in length") from None
    if axes is not None and array.ndim != axes:
        wanted = {1: "one axis: a single row", 2: "two axes: rows and columns"}[axes]
        hint = f". Pick one of them, for instance {name}[0]" if array.ndim > axes else ""
        raise ValueError(f"{name} has shape {array.shape}, but this plot needs {wanted}{hint}")
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}: there is nothing to plot")
    return array


def as_tokens(tokens, length, name, shape, axis=""):
    """The tokens as a list of texts, as many as there are rows or columns."""
    if isinstance(tokens, str):
        raise ValueError(f'the tokens are one text, "{tokens}": give a list of them, such as tokens.split()')
    tokens = [str(token) for token in tokens]
    if len(tokens) != length:
        found = f"{len(tokens)} {axis}tokens: {listed(tokens)}"
        raise ValueError(f"{name} has shape {shape}, but there are {found}")
    return tokens


def position(token, tokens):
    """Where a token stands: it is given as its position, or as its text where that occurs once."""
    if isinstance(token, numbers.Integral) and not isinstance(token, bool):
        if not -len(tokens) <= token < len(tokens):
            last = len(tokens) - 1
            raise ValueError(f"there is no position {token}: {len(tokens)} tokens stand at 0 to {last}")
        return int(token) % len(tokens)
    found = [at for at, other in enumerate(tokens) if other == token]
    if not found:
        raise ValueError(f"{token!r} is none of the tokens: {listed(tokens)}")
    if len(found) > 1:
        places = ", ".join(map(str, found))
        raise ValueError(f"{token!r} occurs {len(found)} times: give a position instead, one of {places}")
    return found[0]


def listed(tokens, most=12):
    """The tokens for a message, the first dozen of them."""
    return " ".join(tokens[:most]) + (" …" if len(tokens) > most else "")


def without_specks(tokens):
    """The tokens as a figure shows them: ‹.› for a dot, which alone would be taken for a speck."""
    return [token if any(map(str.isalnum, token)) else f"‹{token}›" for token in tokens]
