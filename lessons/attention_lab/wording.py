"""How numbers and tokens are put into words: for alternative texts, and for the cards of a lesson."""

import math
from collections import Counter

import numpy as np


def number(value):
    """A number as a reader wants it: 0.677, 0.05, 14, 4.5e-05, −3."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0 or (value.is_integer() and abs(value) < 1e6):
        text = f"{abs(value):.0f}"
    elif 0.01 <= abs(value) < 1e6:
        text = f"{abs(value):.3f}".rstrip("0").rstrip(".")
    else:
        text = f"{abs(value):.3g}"
    return ("−" if value < 0 else "") + text


def weight(value):
    """An attention weight, always with three decimals, so that columns of them line up."""
    return f"{value:.3f}".replace("-", "−") if math.isfinite(value) else number(value)


def quoted(tokens):
    """Each token between quotes, with its position where the same token occurs more than once.

    ["the", "bat", "the"] → ['"the" (position 0)', '"bat"', '"the" (position 2)']
    """
    counts = Counter(tokens)
    places = [f" (position {at})" if counts[token] > 1 else "" for at, token in enumerate(tokens)]
    return [f'"{token}"{place}' for token, place in zip(tokens, places, strict=True)]


def largest(values, count=3):
    """The positions of the `count` largest finite entries, largest first; ties in reading order.

    values of any shape → list of index tuples, one entry an axis
    """
    values = np.where(np.isfinite(values), values, -np.inf)
    order = np.argsort(-values, axis=None, kind="stable")
    places = [np.unravel_index(flat, values.shape) for flat in order[:count]]
    return [tuple(int(i) for i in place) for place in places if np.isfinite(values[place])]


def largest_in_row(weights, tokens, count=3):
    """'"animal" 0.677, "it" 0.064': the largest weights of one row (n,), in words."""
    names = quoted(tokens)
    found = [f"{names[at]} {weight(weights[at])}" for (at,) in largest(weights, count)]
    return ", ".join(found) or "no number at all"


def largest_in_matrix(weights, row_tokens, column_tokens, count=3, spell=weight):
    """'"it" → "animal" 0.677, …': the largest entries of a matrix (n, m), in words."""
    rows, columns = quoted(row_tokens), quoted(column_tokens)
    found = [f"{rows[i]} → {columns[j]} {spell(weights[i, j])}" for i, j in largest(weights, count)]
    return ", ".join(found) or "no number at all"


def undefined(values):
    """A sentence on entries that are NaN, or nothing where there are none."""
    count = int(np.isnan(values).sum())
    return f" {count} of {values.size} entries are NaN." if count else ""
