"""Many heads at a glance: small attention matrices that share tokens and colours."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from attention_lab.plots.arguments import as_tokens, position, without_specks
from attention_lab.plots.canvas import INK, LINE, ORANGE, PALE, SMALL, TITLE, widest, wrapped
from attention_lab.plots.matrices import SEQUENTIAL
from attention_lab.plots.picture import render
from attention_lab.wording import largest_in_matrix

TINY = 7  # points: tokens beside a small matrix
CELL, NARROW = 0.119, 1.9  # inches: a cell must be as high as its token; the smallest side of a matrix
SPACE = 0.12  # inches between two small matrices
ACROSS = 4


def plot_gallery(weights, tokens, names=None, title=None, highlight=None):
    """Attention matrices of many heads, four in a row: rows look, columns are looked at; white is 0, dark is 1.

    weights (heads, n, n); tokens n texts; names: a text above each matrix ("head 0" and so on, if not given)
    highlight: a row that is outlined in each of them, its token or position
    → a Picture
    """
    weights = np.asarray(weights.detach().cpu() if hasattr(weights, "detach") else weights, dtype=float)
    if weights.ndim != 3 or weights.shape[1] != weights.shape[2] or weights.size == 0:
        raise ValueError(f"weights has shape {weights.shape}, but a gallery needs (heads, n, n)")
    heads, n, _ = weights.shape
    tokens = as_tokens(tokens, n, "weights", weights.shape)
    names = [f"head {h}" for h in range(heads)] if names is None else [str(name) for name in names]
    if len(names) != heads:
        raise ValueError(f"weights has {heads} heads, but there are {len(names)} names")
    row = None if highlight is None else position(highlight, tokens)
    alt = _alt(weights, tokens, names, title)
    tokens = without_specks(tokens)

    side = max(CELL * n, NARROW)
    turned = widest(tokens, TINY) > side / n - 0.03
    label, line = widest(tokens, TINY) + 0.08, SMALL * LINE / 72
    labels = label if turned else TINY * LINE / 72 + 0.06
    across = min(ACROSS, heads)
    down = -(-heads // across)
    wide = 0.1 + label + across * (side + SPACE)
    title_lines = wrapped(title, wide - 0.2, TITLE, "bold")
    above = 0.1 + len(title_lines) * TITLE * LINE / 72
    high = above + labels + down * (side + line + 0.1) + 0.05
    figure = Figure(figsize=(wide, high), facecolor="white")
    FigureCanvasAgg(figure)
    place = {"va": "top", "size": TITLE, "weight": "bold", "color": INK, "parse_math": False}
    figure.text(0.08 / wide, 1 - 0.08 / high, "\n".join(title_lines), **place)
    for h in range(heads):
        left = 0.1 + label + (h % across) * (side + SPACE)
        bottom = high - above - labels - (h // across + 1) * (side + line + 0.1) + 0.05
        ax = figure.add_axes((left / wide, bottom / high, side / wide, side / high))
        ax.imshow(weights[h], cmap=SEQUENTIAL, norm=Normalize(0, 1), interpolation="nearest")
        _name_axes(ax, tokens if h % across == 0 else None, tokens if h < across else None, turned)
        lift = (labels if h < across else 0.03) / side
        ax.text(0, 1 + lift, names[h], transform=ax.transAxes, size=SMALL, color=INK, va="bottom", parse_math=False)
        if row is not None:
            frame = Rectangle((-0.5, row - 0.5), n, 1, fill=False, edgecolor=ORANGE, linewidth=1.2)
            frame.set_clip_on(False)
            ax.add_patch(frame)
    return render(figure, alt)


def _name_axes(ax, rows, columns, turned):
    ax.tick_params(length=0, labelsize=TINY, labelcolor=INK, pad=2, top=True, labeltop=True, labelbottom=False)
    ax.set_yticks(range(len(rows)) if rows else [], rows or [], parse_math=False)
    ax.set_xticks(range(len(columns)) if columns else [], columns or [], rotation=90 if turned else 0, parse_math=False)
    for spine in ax.spines.values():
        spine.set_color(PALE)


def _alt(weights, tokens, names, title):
    said = [f"{name}: {largest_in_matrix(head, tokens, tokens, 1)}" for name, head in zip(names, weights, strict=True)]
    return (
        f"{len(names)} attention matrices{f', {title}' if title else ''}: rows look, columns are looked at. "
        f"The largest weight of each. {'; '.join(said)}."
    )
