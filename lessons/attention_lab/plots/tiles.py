"""How tiled attention goes through a matrix of scores: what it holds, block after block."""

import numpy as np
from matplotlib.patches import Rectangle

from attention_lab.plots.arguments import as_numbers, as_tokens, without_specks
from attention_lab.plots.canvas import GRID, INK, LINE, ORANGE, PALE, SMALL, TEXT, new_axes, text_width
from attention_lab.plots.matrices import SEQUENTIAL
from attention_lab.plots.picture import render

MOST_BLOCKS = 6
PANEL, GAP = 1.95, 0.3  # inches: one panel, between two
LINES = 0.36  # inches for the two lines of text below a panel
BAR = 1.3, 0.11  # inches of the bar of colours, along and across


def plot_tiles(scores, block_size, row=None, title=None, row_tokens=None, column_tokens=None):
    """The same matrix once for every block of keys: the block at hand, those let go, and those to come.

    scores (n_q, n_k); a block at hand is coloured by exp(score − largest score of the whole row)
    row: the framed one, whose running maximum and denominator are written below (the first, if not given)
    row_tokens: n_q texts beside the first panel; column_tokens: n_k texts above the blocks (the row tokens, if not
    given and as many)
    → a Picture
    """
    scores = as_numbers("scores", scores, axes=2)
    rows, columns = scores.shape
    starts = range(0, columns, block_size)
    if len(starts) > MOST_BLOCKS:
        raise ValueError(f"{len(starts)} blocks are too many for one figure: take {MOST_BLOCKS} or fewer")
    if column_tokens is None and rows == columns:
        column_tokens = row_tokens
    queries = [] if row_tokens is None else as_tokens(row_tokens, rows, "scores", scores.shape, "row ")
    keys = [] if column_tokens is None else as_tokens(column_tokens, columns, "scores", scores.shape, "column ")

    row, unit = row or 0, PANEL / columns
    name = f"row {row}{f' ({queries[row]})' if queries else ''}"
    queries, keys = without_specks(queries), without_specks(keys)
    size = min(SMALL, 72 * unit)
    beside, above = (max((text_width(name, size) for name in names), default=0) for names in (queries, keys))
    width = len(starts) * PANEL + (len(starts) - 1) * GAP
    height = rows * unit + LINES
    figure, ax = new_axes(
        width, height, left=beside + 0.4, right=0.2, top=above + 0.55, bottom=BAR[1] + 0.75, title=title
    )
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    said = []
    for turn, start in enumerate(starts):
        left, stop = turn * (PANEL + GAP), min(start + block_size, columns)
        largest = scores[row, :stop].max()
        total = np.exp(scores[row, :stop] - largest).sum()
        _panel(ax, left, unit, scores, (start, stop), row)
        _text(ax, left, -above - 0.12, f"block {turn + 1} of {len(starts)}", TEXT, va="bottom")
        for column in range(start, stop) if keys else ():
            _text(ax, left + (column + 0.5) * unit, -0.06, keys[column], size, ha="center", va="bottom", rotation=90)
        _text(ax, left, rows * unit + 0.07, f"maximum {largest:.2f}\ndenominator {total:.2f}", SMALL, va="top")
        said.append(f"block {turn + 1}: maximum {largest:.2f}, denominator {total:.2f}")
    for place, query in enumerate(queries):
        weight = "bold" if place == row else "normal"
        _text(ax, -0.06, (place + 0.5) * unit, query, size, ha="right", va="center_baseline", weight=weight)
    _text(ax, -beside - 0.12, 0, "queries", TEXT, ha="right", va="top", rotation=90, style="italic")
    _text(ax, -0.12, -0.06, "keys", TEXT, ha="right", va="bottom", style="italic")
    _legend(ax, height + 0.1)
    alt = f"{len(starts)} panels{f', {title}' if title else ''}: a {rows} × {columns} matrix of scores, of which only "
    return render(figure, f"{alt}{block_size} columns are held at a time. Of {name}, after " + "; ".join(said) + ".")


def _text(ax, x, y, text, size, **how):
    ax.text(x, y, text, size=size, color=INK, clip_on=False, parse_math=False, **how)


def _panel(ax, left, unit, scores, block, row):
    rows, columns = scores.shape
    start, stop = block
    _frame(ax, left, 0, start * unit, rows * unit, facecolor=GRID, edgecolor="none")
    tile = np.exp(scores[:, start:stop] - scores.max(axis=1, keepdims=True))
    extent = (left + start * unit, left + stop * unit, rows * unit, 0)
    ax.imshow(tile, cmap=SEQUENTIAL, vmin=0, vmax=1, extent=extent, aspect="auto", interpolation="nearest")
    _frame(ax, left + start * unit, 0, (stop - start) * unit, rows * unit, fill=False, edgecolor=INK, linewidth=1.4)
    _frame(ax, left, 0, columns * unit, rows * unit, fill=False, edgecolor=PALE, linewidth=0.8)
    _frame(ax, left, row * unit, columns * unit, unit, fill=False, edgecolor=ORANGE, linewidth=1.6, zorder=3)


def _frame(ax, x, y, wide, tall, **look):
    ax.add_patch(Rectangle((x, y), wide, tall, clip_on=False, **look))


def _legend(ax, top):
    """A bar of colours and what the rest means, below the panels."""
    long, across = BAR
    shades = np.linspace(0, 1, 128)[None]
    image = ax.imshow(shades, cmap=SEQUENTIAL, extent=(0, long, top + across, top), aspect="auto")
    image.set_clip_on(False)
    line = SMALL * LINE / 72
    _text(ax, long + 0.1, top + across / 2, _SHADES, SMALL, va="center_baseline")
    _text(ax, 0, top + across + line * 0.6, _KEY, SMALL, va="top")


_SHADES = "0 to 1: e^(score − largest score of the whole row). The darkest cell of a row is its largest score."
_KEY = "Outlined in black: held now.  Grey: let go.  White: not made yet.  Framed in orange: the row of the numbers."
