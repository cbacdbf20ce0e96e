"""Attention as links: where one token looks."""

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.path import Path

from attention_lab.plots.arguments import as_numbers, as_tokens, position
from attention_lab.plots.canvas import BLUE, INK, MUTED, SMALL, TEXT, new_axes, text_width, widest
from attention_lab.plots.picture import render
from attention_lab.wording import largest, largest_in_row, quoted, weight

WIDEST_ROW, NARROWEST_ROW = 8.8, 2.8  # inches; longer sentences stand in two columns
GAP, SLOT = 0.14, 0.42  # inches between two tokens; and the least for a token, so that numbers fit below
LINE_HEIGHT, ACROSS = 0.22, 2.4  # inches from one line of a column to the next, and between the columns
THINNEST, THICKEST = 0.4, 9  # points, for weights of zero and one


def plot_links(weights, tokens, query, title=None):
    """One token joined to all others by lines as thick as its weights: where does it look?

    weights (n, n), or the one row (n,) of the query; tokens n texts; query: a token or its position
    → a Picture
    """
    weights = as_numbers("weights", weights)
    if weights.ndim not in (1, 2) or (weights.ndim == 2 and weights.shape[0] != weights.shape[1]):
        raise ValueError(f"weights has shape {weights.shape}: give a square matrix, or the row of the query")
    tokens = as_tokens(tokens, weights.shape[-1], "weights", weights.shape)
    at = position(query, tokens)
    row = weights if weights.ndim == 1 else weights[at]
    alt = f"Links{f', {title}' if title else ''}: where {quoted(tokens)[at]} looks, "
    alt += f"of {len(tokens)} tokens. Largest: {largest_in_row(row, tokens)}."
    slots = np.maximum([text_width(token) + GAP for token in tokens], SLOT)
    slots *= max(1, NARROWEST_ROW / slots.sum())
    if slots.sum() <= WIDEST_ROW:
        return render(_in_a_row(row, tokens, at, slots, title), alt)
    return render(_in_columns(row, tokens, at, title), alt)


def _worth_a_number(row):
    """The largest weights, without those that would be written as 0.000."""
    return [place for place in largest(row) if row[place] >= 5e-4]


def thickness(weights):
    """Line widths in points, and opacities: a weight too small to matter is still a hair, and exactly 0 is no line."""
    weights = np.clip(np.nan_to_num(weights), 0, 1)
    return THINNEST + (THICKEST - THINNEST) * weights, np.where(weights > 0, 0.3 + 0.55 * weights, 0.0)


def _in_a_row(row, tokens, at, slots, title):
    centres = np.cumsum(slots) - slots / 2
    away = np.abs(centres - centres[at])
    peaks = 0.4 + 1.1 * away / max(away.max(), 2.0)
    width, height = slots.sum(), peaks.max() + 0.1
    figure, ax = new_axes(width, height + 0.5, left=0.1, right=0.1, top=0.05, bottom=0, title=title)
    ax.set(xlim=(0, width), ylim=(-0.5, height))
    ax.set_axis_off()
    curves = []
    for other, (centre, peak) in enumerate(zip(centres, peaks, strict=True)):
        lift, start, end = peak * 4 / 3, centres[at], centre  # a cubic reaches three quarters of its handles
        lean = 0.55 if other == at else 0  # the token's look at itself is a loop
        curves.append([(start, 0), (start - lean, lift), (end + lean, lift), (end, 0)])
    _draw(ax, curves, row)
    for other, token in enumerate(tokens):
        _token(ax, centres[other], -0.07, token, chosen=other == at, ha="center", va="top")
    for (other,) in _worth_a_number(row):
        ax.text(centres[other], -0.32, weight(row[other]), size=SMALL, color=INK, ha="center", va="top")
    return figure


def _in_columns(row, tokens, at, title):
    left = widest(tokens) + 0.15  # bold is a little wider
    right = left + ACROSS
    width, height = right + left + 0.6, LINE_HEIGHT * len(tokens)
    figure, ax = new_axes(width, height, left=0.1, right=0.1, top=0.1, bottom=0.1, title=title)
    ax.set(xlim=(0, width), ylim=(height - LINE_HEIGHT / 2, -LINE_HEIGHT / 2))
    ax.set_axis_off()
    lines = LINE_HEIGHT * np.arange(len(tokens))
    start, end, handle = left + 0.08, right - 0.08, ACROSS * 0.4
    curves = [[(start, lines[at]), (start + handle, lines[at]), (end - handle, y), (end, y)] for y in lines]
    _draw(ax, curves, row)
    numbers = {other: weight(row[other]) for (other,) in _worth_a_number(row)}
    for other, (token, y) in enumerate(zip(tokens, lines, strict=True)):
        looks = other == at
        _token(ax, left, y, token, chosen=looks, muted=not looks, ha="right", va="center_baseline")
        _token(ax, right, y, token, chosen=other in numbers, ha="left", va="center_baseline")
        if other in numbers:
            x = right + text_width(token, TEXT, "bold") + 0.1
            ax.text(x, y, numbers[other], size=SMALL, color=INK, va="center_baseline")
    return figure


def _draw(ax, curves, row):
    codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    widths, opacities = thickness(row)
    paths = [Path(points, codes) for points in curves]
    links = PathCollection(paths, facecolors="none", edgecolors=BLUE, linewidths=widths, alpha=opacities)
    ax.add_collection(links, autolim=False)


def _token(ax, x, y, token, chosen=False, muted=False, **align):
    weight = "bold" if chosen else "normal"
    ax.text(x, y, token, size=TEXT, parse_math=False, color=MUTED if muted else INK, weight=weight, **align)
