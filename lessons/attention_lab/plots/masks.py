"""Masks as figures, in which it stands written what True means."""

import numpy as np
from matplotlib.patches import Rectangle

from attention_lab.plots.arguments import as_tokens
from attention_lab.plots.canvas import (
    BLUE,
    INK,
    LINE,
    PALE,
    SMALL,
    TEXT,
    caption,
    name_columns,
    name_rows,
    new_axes,
    text_width,
    widest,
)
from attention_lab.plots.picture import render
from attention_lab.wording import quoted

COPY = "#a9c6e0"  # True in a row that is not stored, but repeated by broadcasting
KEY = {"True: may attend": BLUE, "False: hidden": "white"}
KEY_OF_COPIES = {"True: may attend": BLUE, "the same row, repeated": COPY, "False: hidden": "white"}


def plot_mask(mask, row_tokens=None, column_tokens=None, title=None):
    """A mask: rows look, columns are looked at; filled where True, which means "may attend".

    mask (n_q, n_k) of booleans; row_tokens n_q texts; column_tokens n_k texts (the row tokens, if not given)
    A mask (1, n_k) with several row_tokens is drawn as it is broadcast: its one row, and paler copies of it.
    → a Picture
    """
    mask = _as_mask(mask)
    rows = range(len(mask)) if row_tokens is None else row_tokens
    columns = rows if column_tokens is None else column_tokens
    stored = len(mask)
    if stored == 1 and len(rows) > 1:
        mask = np.repeat(mask, len(rows), axis=0)
    rows = as_tokens(rows, len(mask), "mask", mask.shape, "row ")
    columns = as_tokens(columns, mask.shape[1], "mask", mask.shape, "column ")

    key = KEY if stored == len(mask) else KEY_OF_COPIES
    figure, ax = _axes(rows, columns, title, key)
    for (i, j), allowed in np.ndenumerate(mask):
        colour = (BLUE if i < stored else COPY) if allowed else "white"
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=colour, edgecolor=PALE, linewidth=0.7))
        if not allowed:
            ax.text(j, i, "×", ha="center", va="center", size=SMALL, color=PALE)
    return render(figure, _alt(mask, rows, columns, stored, title))


def _as_mask(mask):
    if hasattr(mask, "detach"):
        mask = mask.detach().cpu()
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise ValueError(f"the mask holds {mask.dtype}, but this plot needs booleans: True where a key may be seen")
    if mask.ndim != 2 or mask.size == 0:
        raise ValueError(f"the mask has shape {mask.shape}, but this plot needs two axes, (n_q, n_k), such as mask[0]")
    return mask


def _axes(rows, columns, title, key):
    side = min(max(4.2 / max(len(rows), len(columns)), 0.2), 0.42)
    turned = widest(columns, SMALL) > side - 0.06
    above = widest(columns, SMALL) if turned else SMALL * LINE / 72
    line = TEXT * LINE / 72
    width, height = side * len(columns), side * len(rows)
    left = widest(rows, SMALL) + 0.2 + line
    figure, ax = new_axes(
        width,
        height,
        left=left,
        right=max(0.15, 0.55 + widest(key, SMALL) - width, text_width("is looked at") - width + 0.1),
        top=above + 0.14 + line,
        bottom=0.2 + 0.2 * len(key) + max(0, text_width("looks") - height),
        title=title,
    )
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    name_columns(ax, columns, below=False, turned=turned)
    name_rows(ax, rows)
    caption(ax, "is looked at", away=0.1 + above, vertical=False)
    caption(ax, "looks", away=0.1 + widest(rows, SMALL), vertical=True)
    wide, high = figure.get_size_inches()
    for place, (text, colour) in enumerate(reversed(key.items())):
        bottom = 0.08 + 0.2 * place
        box = Rectangle((left / wide, bottom / high), 0.14 / wide, 0.14 / high, facecolor=colour, edgecolor=INK)
        box.set(transform=figure.transFigure, linewidth=0.7)
        figure.add_artist(box)
        figure.text((left + 0.22) / wide, (bottom + 0.07) / high, text, size=SMALL, color=INK, va="center_baseline")
    return figure, ax


def _alt(mask, rows, columns, stored, title):
    alt = f"Mask{f', {title}' if title else ''}, {mask.shape[0]} × {mask.shape[1]}. True means “may attend”. "
    if stored < len(mask):
        alt += "One row is stored and repeated for every query. "
    names = quoted(columns)
    said = []
    for name, row in zip(quoted(rows)[:stored], mask, strict=False):
        seen = [names[at] for at in np.flatnonzero(row)]
        said.append(f"{name} may attend to {' '.join(seen) if seen else 'nothing'}")
    shown = said if len(said) <= 3 else [said[0], said[1], said[-1]]
    return alt + "; ".join(shown) + "."
