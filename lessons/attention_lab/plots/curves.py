"""Lines: how something grows, falls or forgets."""

import numpy as np

from attention_lab.plots.arguments import as_numbers
from attention_lab.plots.canvas import GRID, INK, LINE, PALE, SMALL, TEXT, new_axes, text_width, widest
from attention_lab.plots.picture import render
from attention_lab.wording import number

WIDTH, HEIGHT = 4.6, 2.7  # inches
STYLES = (  # Okabe and Ito's colours, each with a marker and a dash of its own for grey print
    ("#0072b2", "o", "-"),
    ("#b84f00", "s", "--"),
    ("#007a59", "^", "-."),
    ("#a8487f", "D", ":"),
    ("#000000", "v", (0, (5, 1, 1, 1, 1, 1))),
    ("#8a6d00", "P", (0, (8, 2))),
    ("#5b4bb5", "X", (0, (1, 1))),
)
MOST_MARKERS, MOST_TICKS = 12, 10
FARTHEST = 0.3  # inches a label may be moved from the end of its line


def plot_curves(
    x,
    curves,
    xlabel,
    ylabel,
    title=None,
    logx=False,
    logy=False,
    band=None,
    note=None,
    points=(),
    width=WIDTH,
    texts=None,
    legend=False,
):
    """Lines over a common x, each named at its end.

    x (n,); curves {"label": y (n,), …}, up to seven; NaN leaves a gap
    band: {"label": (low (n,), high (n,))} shades the range around the line of that name; a pair (low, high)
    is around the first line
    note: a sentence below the figure; points: the names of those that are drawn as points, without a line
    width: of the area for the lines, in inches: less where figures are to stand side by side
    texts: n texts beside the points of the only curve, in place of its name
    legend: the names stand in a list to the right of the lines, and not at their ends
    → a Picture
    """
    x = as_numbers("x", x, axes=1)
    lines = {name: _as_long_as(x, f'"{name}"', y) for name, y in dict(curves).items()}
    if not 1 <= len(lines) <= len(STYLES):
        raise ValueError(f"{len(lines)} curves: a figure takes from 1 to {len(STYLES)}")
    bands = {} if band is None else band if isinstance(band, dict) else {next(iter(lines)): band}
    for name in bands:
        if name not in lines:
            raise ValueError(f'band names "{name}", but the curves are: {", ".join(lines)}')
    for name in points:
        if name not in lines:
            raise ValueError(f'points names "{name}", but the curves are: {", ".join(lines)}')
    for name, wanted, values in (("logx", logx, [x]), ("logy", logy, lines.values())):
        if wanted and any(np.nanmin(value) <= 0 for value in values):
            raise ValueError(f"{name}=True cannot show zero or negative numbers: leave it out, or drop those")

    if texts is not None and (len(lines) != 1 or len(texts) != len(x)):
        raise ValueError(f"{len(texts)} texts beside the points: there must be one curve, of as many points")

    names = list(lines) if texts is None else []
    right = widest(names, TEXT) + 0.35
    if legend:
        right = widest(names, SMALL) + 0.75
    elif texts is not None:
        right = max(right, text_width(str(texts[int(np.argmax(x))]), SMALL) + 0.1)
    figure, ax = new_axes(
        width,
        HEIGHT,
        left=0.85,
        right=right,
        top=0.1,
        bottom=0.55,
        title=title,
        note=note,
    )
    for (name, y), (colour, marker, dash) in zip(lines.items(), STYLES, strict=False):
        every = max(1, -(-len(x) // MOST_MARKERS))
        line = {"color": colour, "linestyle": dash, "linewidth": 1.8, "marker": marker, "markersize": 5}
        if name in points:
            line |= {"linestyle": "none", "markersize": 7}
        ax.plot(x, y, label=name, markevery=1 if name in points else every, **line)
        if name in bands:
            low, high = (_as_long_as(x, f'the band of "{name}"', edge) for edge in bands[name])
            ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    if logx:
        ax.set_xscale("log")
        if len(x) <= MOST_TICKS:  # the numbers that were tried say more than powers of ten
            ax.set_xticks(x, [number(value) for value in x])
    if logy:
        ax.set_yscale("log")
    ax.minorticks_off()
    ax.set_xlabel(xlabel, size=TEXT, color=INK)
    ax.set_ylabel(ylabel, size=TEXT, color=INK)
    ax.grid(color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if legend:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=SMALL)
    elif texts is None:
        _name_lines(ax, x, lines)
    else:
        _name_points(ax, x, *lines.values(), texts)
    return render(figure, _alt(x, lines, xlabel, ylabel, title, note, texts))


def _as_long_as(x, name, values):
    values = as_numbers(name, values, axes=1)
    if len(values) != len(x):
        raise ValueError(f"{name} has {len(values)} values, but x has {len(x)}")
    if np.isnan(values).all():
        raise ValueError(f"{name} holds nothing but NaN")
    return values


def _name_lines(ax, x, lines):
    """Names beside the ends of the lines, moved apart where they meet; a legend where that is too far."""
    ends = [int(np.flatnonzero(np.isfinite(y))[-1]) for y in lines.values()]
    points = [(x[end], y[end]) for end, y in zip(ends, lines.values(), strict=True)]
    ax.get_ylim()  # the limits are settled here, before places are asked for
    heights = (ax.transAxes.inverted().transform(ax.transData.transform(points)) * HEIGHT)[:, 1]
    places = _apart(heights, TEXT * LINE / 72)
    same_end = len({x[end] for end in ends}) == 1
    if not same_end or np.abs(places - heights).max() > FARTHEST:
        ax.legend(frameon=True, edgecolor=PALE, fontsize=SMALL)
        return
    for name, point, height, place, style in zip(lines, points, heights, places, STYLES, strict=False):
        ax.annotate(
            name,
            point,
            xytext=(9, (place - height) * 72),
            textcoords="offset points",
            va="center",
            size=TEXT,
            color=style[0],
            annotation_clip=False,
        )


def _name_points(ax, x, y, texts):
    """A text to the right of each point."""
    for point, text in zip(zip(x, y, strict=True), texts, strict=True):
        place = {"xytext": (6, 3), "textcoords": "offset points", "annotation_clip": False}
        ax.annotate(str(text), point, size=SMALL, color=INK, parse_math=False, **place)


def _apart(heights, distance):
    """The heights, moved so that neighbours are at least a distance apart, by as little as pushing allows."""
    places = np.array(heights, dtype=float)
    order = np.argsort(places, kind="stable")
    for _ in range(50):
        moved = False
        for lower, upper in zip(order, order[1:], strict=False):
            missing = distance - (places[upper] - places[lower])
            if missing > 1e-6:
                places[lower] -= missing / 2
                places[upper] += missing / 2
                moved = True
        if not moved:
            break
    return places


def _alt(x, lines, xlabel, ylabel, title, note, texts=None):
    text = f"Lines{f', {title}' if title else ''}: {ylabel} against {xlabel}, "
    text += f"from {number(x[0])} to {number(x[-1])}."
    if texts is not None:
        (y,) = lines.values()
        places = zip(texts, x, y, strict=True)
        said = "; ".join(f"{text}: {number(value)} at {number(place)}" for text, place, value in places)
        return f"{text} {said}.{f' {note}' if note else ''}"
    for name, y in lines.items():
        finite = np.flatnonzero(np.isfinite(y))
        first, last, top = finite[0], finite[-1], finite[np.argmax(y[finite])]
        text += f" {name}: {number(y[first])} at {number(x[first])}, {number(y[last])} at {number(x[last])}"
        text += "." if top in (first, last) else f", largest {number(y[top])} at {number(x[top])}."
    return f"{text} {note}" if note else text
