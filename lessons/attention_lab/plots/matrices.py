"""Matrices as figures: attention weights, and any other labelled matrix."""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from attention_lab.plots.arguments import as_numbers, as_tokens, position
from attention_lab.plots.canvas import (
    GRID,
    INK,
    LINE,
    ORANGE,
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
from attention_lab.wording import largest_in_matrix, largest_in_row, number, quoted, undefined, weight

NUMBERS_UP_TO = 8  # rows or columns, above which the cells are too small for numbers
BAR_PLACE, BAR_WIDTH = 0.15, 0.13  # inches from the matrix to its colour bar, and across it
SHORTEST_BAR, LONGEST_BAR = 1.25, 2.2  # inches of colour bar: its label must fit beside it

# Light to dark in one hue, for weights; its darkest end is kept off black, so that the outline shows.
SEQUENTIAL = LinearSegmentedColormap.from_list("weights", colormaps["Blues"](np.linspace(0, 0.95, 256)))
DIVERGING = colormaps["PuOr_r"]  # told apart by every eye; in grey print the dashes tell the sign


def plot_attention(weights, row_tokens, column_tokens=None, title=None, highlight=None, ax=None, top=None):
    """The attention matrix: rows look, columns are looked at; the darker, the more weight.

    weights (n_q, n_k); row_tokens n_q texts; column_tokens n_k texts (the row tokens, if not given)
    highlight: a row (its token or position), or a pair (row, column), which is outlined
    top: the weight that is darkest (the largest of them, if not given): set it to compare two figures
    → a Picture; with `ax`, it is drawn on these Matplotlib axes and its alternative text is returned
    """
    weights = as_numbers("weights", weights, axes=2)
    names = "row " if column_tokens is not None else ""
    rows = as_tokens(row_tokens, weights.shape[0], "weights", weights.shape, names)
    columns = rows if column_tokens is None else column_tokens
    columns = as_tokens(columns, weights.shape[1], "weights", weights.shape, "column ")
    outlined = _outlined(highlight, rows, columns)

    size = f"{weights.shape[0]} × {weights.shape[1]}"
    alt = f"Attention matrix{f', {title}' if title else ''}, {size}: rows look, columns are looked at. "
    alt += f"Largest: {largest_in_matrix(weights, rows, columns)}.{undefined(weights)}"
    if outlined:
        row = outlined[0]
        alt += f" Outlined is the row of {quoted(rows)[row]}: {largest_in_row(weights[row], columns)}."

    finite = weights[np.isfinite(weights)]
    highest = top if top is not None else max(finite.max(initial=0), 1e-9)
    norm = Normalize(min(finite.min(initial=0), 0), highest)
    figure = None
    if ax is None:
        figure, ax = _matrix_axes(rows, columns, norm, title, "looks", "is looked at")
    elif title:
        ax.set_title(title, parse_math=False)
    _draw(ax, weights, rows, columns, SEQUENTIAL, norm, weight, "looks", "is looked at")
    if outlined:
        _outline(ax, *outlined, len(columns), ORANGE)
    if figure is None:
        return alt
    _colour_bar(figure, ax, SEQUENTIAL, norm, "attention weight")
    return render(figure, alt)


def plot_matrix(
    values,
    row_labels=None,
    column_labels=None,
    title=None,
    diverging=True,
    label="value",
    row_axis="",
    column_axis="",
    highlight=None,
    top=None,
    numbers=None,
    bottom=None,
):
    """Any matrix: scores, vectors one below the other, differences. Positive is orange, negative purple.

    values (n, m); row_labels and column_labels: texts (the positions, if not given)
    diverging: colours run both ways from zero; else from light (smallest) to dark (largest)
    label says what the numbers are; row_axis and column_axis, what the rows and the columns are
    highlight: a row, a pair (row, column), or a list of such pairs: they are outlined
    top: the size that gets the strongest colour (the largest in the matrix, if not given)
    numbers: how many decimals stand in each cell (if not given: up to three in small matrices, else no numbers)
    bottom: where the colours begin if they do not diverge (the smallest in the matrix, if not given)
    → a Picture
    """
    values = as_numbers("values", values, axes=2)
    rows = range(values.shape[0]) if row_labels is None else row_labels
    columns = range(values.shape[1]) if column_labels is None else column_labels
    rows = as_tokens(rows, values.shape[0], "values", values.shape, "row ")
    columns = as_tokens(columns, values.shape[1], "values", values.shape, "column ")
    asked = highlight if isinstance(highlight, list) else [] if highlight is None else [highlight]
    outlined = [_outlined(each, rows, columns) for each in asked]

    alt = f"Matrix{f', {title}' if title else ''}, {values.shape[0]} × {values.shape[1]}, {label}. "
    alt += f"Largest: {largest_in_matrix(values, rows, columns, spell=number)}. "
    smallest = largest_in_matrix(-values, rows, columns, 1, lambda value: number(-value))
    alt += f"Smallest: {smallest}.{undefined(values)}"

    finite = values[np.isfinite(values)]
    size = top if top is not None else max(np.abs(finite).max(initial=0), 1e-9)
    lowest = finite.min(initial=size) if bottom is None else bottom
    norm = Normalize(-size if diverging else lowest, size)
    figure, ax = _matrix_axes(rows, columns, norm, title, row_axis, column_axis)
    colours = DIVERGING if diverging else SEQUENTIAL
    _draw(ax, values, rows, columns, colours, norm, number, row_axis, column_axis, numbers)
    dashed = diverging and numbers is None and max(values.shape) > NUMBERS_UP_TO
    if dashed:
        below = np.argwhere(values < -0.05 * size)
        side = 72 * ax.get_position().width * figure.get_figwidth() / len(columns)
        on = ["white" if _is_dark(colours, norm, values[tuple(place)]) else INK for place in below]
        ax.scatter(below[:, 1], below[:, 0], marker="_", s=(0.45 * side) ** 2, color=on, linewidths=1)
    for place in outlined:
        _outline(ax, *place, len(columns), INK)
    _colour_bar(figure, ax, colours, norm, f"{label} (– is negative)" if dashed and len(below) else label)
    return render(figure, alt)


def _outlined(highlight, rows, columns):
    """(row, column or None) that is to be outlined, or nothing."""
    if highlight is None:
        return None
    if isinstance(highlight, tuple):
        return position(highlight[0], rows), position(highlight[1], columns)
    return position(highlight, rows), None


def _cell(count):
    """The side of a cell in inches, for so many of them in the longer direction."""
    return min(max(5.6 / count, 0.17), 0.62)


def _upright(columns, side):
    """Whether the column labels must be turned, because they do not fit beside each other."""
    return widest(columns, SMALL) > side - 0.06


def _matrix_axes(rows, columns, norm, title, row_axis, column_axis):
    side = _cell(max(len(rows), len(columns)))
    turned = _upright(columns, side)
    labels = widest(columns, SMALL) if turned else SMALL * LINE / 72
    line = TEXT * LINE / 72
    width, height = side * len(columns), side * len(rows)
    return new_axes(
        width,
        height,
        left=widest(rows, SMALL) + 0.2 + (line if row_axis else 0),
        right=max(BAR_PLACE + BAR_WIDTH + _bar_ticks(norm)[1] + 0.35, text_width(column_axis) - width + 0.1),
        top=labels + 0.14 + (line if column_axis else 0),
        bottom=max(0.1, SHORTEST_BAR - height + 0.1),
        title=title,
    )


def _draw(ax, values, rows, columns, colours, norm, spell, row_axis, column_axis, decimals=None):
    ax.imshow(values, cmap=colours, norm=norm)
    ax.hlines(np.arange(1, len(rows)) - 0.5, -0.5, len(columns) - 0.5, color=GRID, linewidth=0.5)
    ax.vlines(np.arange(1, len(columns)) - 0.5, -0.5, len(rows) - 0.5, color=GRID, linewidth=0.5)
    turned = _upright(columns, _cell(max(values.shape)))
    name_columns(ax, columns, below=False, turned=turned)
    name_rows(ax, rows)
    above = widest(columns, SMALL) if turned else SMALL * LINE / 72
    caption(ax, column_axis, away=0.1 + above, vertical=False)
    caption(ax, row_axis, away=0.1 + widest(rows, SMALL), vertical=True)
    if decimals is not None or max(values.shape) <= NUMBERS_UP_TO:
        for (i, j), value in np.ndenumerate(values):
            colour = "white" if _is_dark(colours, norm, value) else INK
            said = spell(value) if decimals is None else f"{value:.{decimals}f}"
            ax.text(j, i, said, ha="center", va="center", size=SMALL, color=colour)


def _is_dark(colours, norm, value):
    """Whether what is written on the colour of this value must be white."""
    red, green, blue, _ = colours(norm(value)) if np.isfinite(value) else (1, 1, 1, 1)
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.55


def _outline(ax, row, column, columns, colour):
    start, width = (0, columns) if column is None else (column, 1)
    corner = start - 0.5, row - 0.5
    frame = Rectangle(corner, width, 1, fill=False, edgecolor=colour, linewidth=2.5, zorder=3)
    frame.set_clip_on(False)
    ax.add_patch(frame)


def _bar_ticks(norm):
    """The numbers beside a colour bar, and how much room they take in inches."""
    values = [value for value in MaxNLocator(4).tick_values(norm.vmin, norm.vmax) if norm.vmin <= value <= norm.vmax]
    return values, widest(map(number, values), SMALL)


def _colour_bar(figure, ax, colours, norm, label):
    box, wide, high = ax.get_position(), figure.get_figwidth(), figure.get_figheight()
    tall = min(max(box.height * high, SHORTEST_BAR), LONGEST_BAR) / high
    bar = figure.add_axes((box.x1 + BAR_PLACE / wide, box.y1 - tall, BAR_WIDTH / wide, tall))
    shades = np.linspace(0, 1, 256)[::-1, None]
    bar.imshow(shades, cmap=colours, aspect="auto", extent=(0, BAR_WIDTH, norm.vmin, norm.vmax))
    bar.set_axis_off()
    values, room = _bar_ticks(norm)
    bar.hlines(values, 0.7 * BAR_WIDTH, BAR_WIDTH, color=INK, linewidth=0.8)
    for value in values:
        bar.text(BAR_WIDTH + 0.05, value, number(value), size=SMALL, color=INK, va="center")
    middle = (norm.vmin + norm.vmax) / 2
    bar.text(BAR_WIDTH + room + 0.12, middle, label, size=SMALL, color=INK, rotation=90, va="center")
