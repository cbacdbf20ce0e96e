"""Features of tokens as coloured cells: where each of them is after a reshape, and where it should be."""

import numpy as np
from matplotlib.patches import Rectangle

from attention_lab.plots.arguments import as_numbers, as_tokens
from attention_lab.plots.canvas import (
    INK,
    LINE,
    ORANGE,
    PALE,
    SMALL,
    TEXT,
    name_rows,
    new_axes,
    text_width,
    widest,
)
from attention_lab.plots.picture import render

FILLS = ("#b9d7ee", "#fbe3a8", "#c9e7c4", "#e6cbe3")  # of head 0, 1, …; the feature's number tells it in grey print
HEIGHT, GAP = 0.34, 0.5  # inches: of a row, and between two heads
STRAY = "Framed: not where it belongs."


def plot_cells(cells, tokens, num_heads, title=None, names=None):
    """The numbered features of tokens after a reshape, each in the colour of the head it belongs to.

    cells (n, d_model) or (num_heads, n, d_head): numbers of `np.arange(n * d_model).reshape(n, d_model)`, moved about
    tokens n texts; a cell says which token and which of its features it is, and is framed where it is out of place
    names: what the tokens are called in the cells, where `tokens` are names of the rows
    → a Picture
    """
    cells = as_numbers("cells", cells).astype(int)
    if cells.ndim not in (2, 3) or (cells.ndim == 3 and len(cells) != num_heads):
        raise ValueError(
            f"cells has shape {cells.shape}, but this plot needs (n, d_model), or (num_heads, n, d_head) "
            f"with {num_heads} heads"
        )
    tokens = as_tokens(tokens, cells.shape[-2], "cells", cells.shape)
    d_model = cells.size // len(tokens)
    if not 1 <= num_heads <= len(FILLS) or d_model % num_heads:
        raise ValueError(f"{d_model} features of a token cannot be coloured by {num_heads} heads, {len(FILLS)} at most")
    if sorted(cells.ravel()) != list(range(cells.size)):
        raise ValueError(f"cells should hold each of the numbers 0 to {cells.size - 1} once, moved about")
    stray = cells != _in_place(cells.shape, len(tokens), num_heads)
    blocks, strays = (cells, stray) if cells.ndim == 3 else (cells[None], stray[None])
    called = tokens if names is None else as_tokens(names, len(tokens), "cells", cells.shape, "cell ")
    names = np.array([[f"{token} {feature}" for feature in range(d_model)] for token in called]).ravel()
    headings = [f"head {h}" for h in range(num_heads)] if cells.ndim == 3 else [f"{d_model} features of a token"]

    figure, ax, wide = _axes(names, tokens, blocks, headings, title, STRAY if stray.any() else None)
    for b, block in enumerate(blocks):
        start = b * (block.shape[1] * wide + GAP)
        ax.text(start, -0.62, headings[b], size=TEXT, style="italic", color=INK, va="bottom", clip_on=False)
        for (i, j), cell in np.ndenumerate(block):
            fill = FILLS[cell % d_model // (d_model // num_heads)]
            box = {"facecolor": fill, "edgecolor": PALE, "linewidth": 0.7}
            ax.add_patch(Rectangle((start + j * wide, i - 0.5), wide, 1, **box))
            middle = start + (j + 0.5) * wide
            ax.text(middle, i, names[cell], size=SMALL, color=INK, ha="center", va="center_baseline", parse_math=False)
            if strays[b, i, j]:
                frame = Rectangle((start + j * wide + 0.04, i - 0.42), wide - 0.08, 0.84, fill=False)
                frame.set(edgecolor=ORANGE, linewidth=2)
                ax.add_patch(frame)
    return render(figure, _alt(blocks, strays, names, tokens, headings, title))


def _in_place(shape, n, num_heads):
    """The numbers of the cells where every feature is with its token and its head."""
    numbered = np.arange(np.prod(shape)).reshape(n, -1)
    return numbered if len(shape) == 2 else numbered.reshape(n, num_heads, -1).transpose(1, 0, 2)


def _axes(names, tokens, blocks, headings, title, note):
    """A figure whose x runs in inches and whose y in rows. → figure, axes, width of a cell"""
    wide = widest(names, SMALL) + 0.16
    width = len(blocks) * blocks.shape[2] * wide + (len(blocks) - 1) * GAP
    figure, ax = new_axes(
        width,
        HEIGHT * len(tokens),
        left=widest(tokens, SMALL) + 0.2,
        right=max(0.15, text_width(headings[-1]) - blocks.shape[2] * wide + 0.1),
        top=TEXT * LINE / 72 + 0.14,
        bottom=0.12,
        title=title,
        note=note,
    )
    ax.set_xlim(0, width)
    ax.set_ylim(len(tokens) - 0.5, -0.5)
    ax.set_xticks([])
    ax.set_frame_on(False)
    name_rows(ax, tokens)
    return figure, ax, wide


def _alt(blocks, strays, names, tokens, headings, title):
    said = []
    for heading, block in zip(headings, blocks, strict=True):
        rows = (
            f"row “{token}” holds {', '.join(names[cell] for cell in row)}"
            for token, row in zip(tokens, block, strict=True)
        )
        said.append(f"{heading}: {'; '.join(rows)}.")
    out = int(strays.sum())
    said.append(f"{out} of {strays.size} cells are not where they belong." if out else "Each cell is where it belongs.")
    return f"Coloured cells{f', {title}' if title else ''}. " + " ".join(said)
