"""How tiled attention goes through a matrix of scores: what it holds, block after block."""

import numpy as np
from matplotlib.patches import Rectangle

from attention_lab.plots.arguments import as_numbers
from attention_lab.plots.canvas import BLUE, GRID, INK, PALE, SMALL, TEXT, new_axes
from attention_lab.plots.matrices import SEQUENTIAL
from attention_lab.plots.picture import render

MOST_BLOCKS = 6
PANEL, GAP, LINES = 1.55, 0.3, 0.62  # inches: one panel, between two, and the lines of text below it


def plot_tiles(scores, block_size, row=None, title=None):
    """The same matrix once for every block of keys: the block at hand, those let go, and those to come.

    scores (n_q, n_k); a block at hand is coloured by exp(score − largest score of the row so far)
    row: the row of which running maximum and denominator are written below (the first, if not given)
    → a Picture
    """
    scores = as_numbers("scores", scores, axes=2)
    rows, columns = scores.shape
    starts = range(0, columns, block_size)
    if len(starts) > MOST_BLOCKS:
        raise ValueError(f"{len(starts)} blocks are too many for one figure: take {MOST_BLOCKS} or fewer")
    row, unit = row or 0, PANEL / columns
    width = len(starts) * PANEL + (len(starts) - 1) * GAP
    figure, ax = new_axes(width, rows * unit + LINES, left=0.15, right=0.15, top=0.3, bottom=0.3, title=title)
    ax.set(xlim=(0, width), ylim=(rows * unit + LINES, 0))
    ax.set_axis_off()
    said = []
    for turn, start in enumerate(starts):
        left, stop = turn * (PANEL + GAP), min(start + block_size, columns)
        largest = scores[:, :stop].max(axis=1)
        total = np.exp(scores[row, :stop] - largest[row]).sum()
        _panel(ax, left, unit, scores, (start, stop), largest)
        ax.text(left, -0.08, f"block {turn + 1} of {len(starts)}", size=TEXT, color=INK, va="bottom")
        below = f"maximum {largest[row]:.2f}\ndenominator {total:.2f}"
        ax.text(left, rows * unit + 0.1, below, size=SMALL, color=INK, va="top")
        said.append(f"block {turn + 1}: maximum {largest[row]:.2f}, denominator {total:.2f}")
    ax.add_patch(Rectangle((-0.06, row * unit), 0.04, unit, color=BLUE, clip_on=False))
    ax.text(0, rows * unit + LINES + 0.02, _KEY, size=SMALL, color=INK, va="top", clip_on=False)
    alt = f"{len(starts)} panels{f', {title}' if title else ''}: a {rows} × {columns} matrix of scores, of which only "
    return render(figure, f"{alt}{block_size} columns are held at a time. Of row {row}, after " + "; ".join(said) + ".")


_KEY = "Blue: held now.  Grey: let go.  White: not made yet.  The numbers: of the marked row, so far."


def _panel(ax, left, unit, scores, block, largest):
    rows, columns = scores.shape
    start, stop = block
    ax.add_patch(Rectangle((left, 0), start * unit, rows * unit, facecolor=GRID, edgecolor="none"))
    tile = np.exp(scores[:, start:stop] - largest[:, None])
    extent = (left + start * unit, left + stop * unit, rows * unit, 0)
    ax.imshow(tile, cmap=SEQUENTIAL, vmin=-0.15, vmax=1, extent=extent, aspect="auto", interpolation="nearest")
    for patch, colour, line in (((start, stop - start), INK, 1.4), ((0, columns), PALE, 0.8)):
        at, wide = patch
        ax.add_patch(
            Rectangle((left + at * unit, 0), wide * unit, rows * unit, fill=False, edgecolor=colour, linewidth=line)
        )
