"""Vectors in the plane, for the examples that are done by hand."""

import numpy as np

from attention_lab.plots.arguments import as_numbers, as_tokens
from attention_lab.plots.canvas import GRID, INK, PALE, TEXT, new_axes, widest
from attention_lab.plots.curves import STYLES
from attention_lab.plots.picture import render
from attention_lab.wording import number

SIDE = 3.2  # inches


def plot_vectors(vectors, labels, title=None, axes=("", "")):
    """Arrows from the origin, each with its label at the tip.

    vectors (n, 2); labels n texts; axes: what the first and the second number say
    → a Picture
    """
    vectors = as_numbers("vectors", vectors, axes=2)
    if vectors.shape[1] != 2:
        raise ValueError(f"vectors has shape {vectors.shape}: the plane has two directions, so give (n, 2)")
    if not np.isfinite(vectors).all():
        raise ValueError("vectors holds NaN or an infinite number, which no arrow can reach")
    labels = as_tokens(labels, len(vectors), "vectors", vectors.shape)
    first, second = axes
    where = f" ({first} to the right, {second} upwards)" if first and second else ""
    said = [f'"{label}" at ({number(x)}, {number(y)})' for label, (x, y) in zip(labels, vectors, strict=True)]
    alt = f"Arrows from the origin{f', {title}' if title else ''}{where}: {', '.join(said)}."

    room = min(widest(labels) + 0.1, SIDE / 4)
    figure, ax = new_axes(
        SIDE, SIDE, left=0.7 if second else 0.5, right=0.15, top=0.1, bottom=0.55 if first else 0.35, title=title
    )
    ax.set_xlabel(first, size=TEXT, color=INK)
    ax.set_ylabel(second, size=TEXT, color=INK)
    low, high = np.minimum(vectors.min(axis=0), 0), np.maximum(vectors.max(axis=0), 0)
    middle, half = (low + high) / 2, max((high - low).max() / 2, 1e-9) / (1 - 2 * room / SIDE)
    ax.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    ax.locator_params(nbins=6)
    ax.grid(color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.axhline(0, color=PALE, linewidth=0.9)
    ax.axvline(0, color=PALE, linewidth=0.9)
    for spine in ax.spines.values():
        spine.set_visible(False)
    taken = {}
    for turn, (label, tip) in enumerate(zip(labels, vectors, strict=True)):
        colour, _, dash = STYLES[turn % len(STYLES)]
        line = {"color": colour, "linestyle": dash, "linewidth": 2}
        ax.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, **line})
        same = taken.setdefault(tuple(tip), [])  # labels of equal vectors are stacked
        side, beside = (1, "left") if tip[0] >= 0 else (-1, "right")
        ax.annotate(
            label,
            tip,
            xytext=(5 * side, 5 + 13 * len(same)),
            textcoords="offset points",
            ha=beside,
            size=TEXT,
            color=INK,
            parse_math=False,
            annotation_clip=False,
        )
        same.append(label)
    return render(figure, alt)
