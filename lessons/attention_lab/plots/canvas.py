"""An empty figure of the right size: everything in inches, room for labels measured, no global state.

A figure is made of an area for the data and margins around it. The margins are as wide as their texts, so
that no token is cut off or runs into the next one.
"""

import textwrap
from functools import lru_cache

from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import ScaledTranslation

INK, MUTED, PALE, GRID = "#1b2430", "#5b6673", "#8a94a0", "#e3e7eb"
BLUE, ORANGE = "#1f5f99", "#d55e00"
TITLE, TEXT, SMALL = 11, 10, 9  # points
LINE = 1.35  # height of a line of text, in its own size

_measure = RendererAgg(10, 10, 72)  # at 72 dots an inch a dot is a point


@lru_cache(maxsize=4096)
def text_width(text, size=TEXT, weight="normal"):
    """How wide a text is drawn, in inches."""
    font = FontProperties(size=size, weight=weight)
    width, _, _ = _measure.get_text_width_height_descent(text, font, ismath=False)
    return width / 72


def widest(texts, size=TEXT, weight="normal"):
    """The width of the widest of the texts, in inches."""
    return max((text_width(text, size, weight) for text in texts), default=0)


def wrapped(text, width, size, weight="normal"):
    """The text broken into lines that fit a width in inches."""
    if not text:
        return []
    lines, letters = [text], len(text)
    while widest(lines, size, weight) > width and letters > 12:
        letters -= 2
        lines = textwrap.wrap(text, letters)
    return lines


def new_axes(width, height, *, left, right, top, bottom, title=None, note=None):
    """A figure with one area of width × height inches, margins around it, a title above and a note below.

    → figure, axes
    """
    full = left + width + right
    title_lines, note_lines = wrapped(title, full - 0.2, TITLE, "bold"), wrapped(note, full - 0.2, SMALL)
    above = len(title_lines) * TITLE * LINE / 72 + (0.1 if title_lines else 0)
    below = len(note_lines) * SMALL * LINE / 72 + (0.08 if note_lines else 0)
    tall = below + bottom + height + top + above
    figure = Figure(figsize=(full, tall), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((left / full, (below + bottom) / tall, width / full, height / tall))
    axes.tick_params(labelsize=SMALL, labelcolor=INK, color=PALE)
    for spine in axes.spines.values():
        spine.set_color(PALE)
    if title_lines:
        figure.text(
            0.08 / full,
            1 - 0.08 / tall,
            "\n".join(title_lines),
            size=TITLE,
            color=INK,
            weight="bold",
            va="top",
        )
    if note_lines:
        figure.text(0.08 / full, 0.05 / tall, "\n".join(note_lines), size=SMALL, color=INK, va="bottom")
    return figure, axes


def name_columns(axes, names, *, below, turned):
    """Names under or above the columns 0, 1, …; turned where they would not fit beside each other.

    Ticks would do the same, more slowly.
    """
    up = -1 if below else 1
    place = axes.get_xaxis_transform() + ScaledTranslation(0, up * 4 / 72, axes.figure.dpi_scale_trans)
    axes.set_xticks([])
    return [
        axes.text(
            at,
            0 if below else 1,
            name,
            transform=place,
            size=SMALL,
            color=INK,
            parse_math=False,
            clip_on=False,
            ha="center",
            va="top" if below else "bottom",
            rotation=90 if turned else 0,
        )
        for at, name in enumerate(names)
    ]


def name_rows(axes, names):
    """Names to the left of the rows 0, 1, …"""
    place = axes.get_yaxis_transform() + ScaledTranslation(-4 / 72, 0, axes.figure.dpi_scale_trans)
    axes.set_yticks([])
    for at, name in enumerate(names):
        axes.text(
            0,
            at,
            name,
            transform=place,
            size=SMALL,
            color=INK,
            parse_math=False,
            clip_on=False,
            ha="right",
            va="center_baseline",
        )


def caption(axes, text, *, away, vertical):
    """A word on what the rows or the columns are, so many inches away from the upper left corner."""
    x, y = (-away, 0) if vertical else (0, away)
    place = axes.transAxes + ScaledTranslation(x, y, axes.figure.dpi_scale_trans)
    axes.text(
        0,
        1,
        text,
        transform=place,
        size=TEXT,
        color=INK,
        style="italic",
        clip_on=False,
        ha="right" if vertical else "left",
        va="top" if vertical else "bottom",
        rotation=90 if vertical else 0,
    )
