"""The plots of a report, as SVG that takes its colours from the page: readable in light and dark, without a script."""

import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

TEXT, BAR, LATE = "#000001", "#000002", "#000003"  # stand for what the page calls so
IN_THE_PAGE = {TEXT: "currentColor", BAR: "var(--bar)", LATE: "var(--late)"}
MOST_BARS = 25


def distribution(points: Sequence[float], most: float) -> tuple[str, str]:
    """How many learners have how many points: an SVG, and the same in words."""
    width = 1 if most <= MOST_BARS else -(-most // MOST_BARS)
    starts = [width * n for n in range(int(most // width) + 1)]
    counts = [0] * len(starts)
    for value in points:
        counts[max(0, min(len(starts) - 1, int(value // width)))] += 1
    figure, axes = _axes(5.2, 2.5)
    axes.bar(starts, counts, width=0.86 * width, align="center" if width == 1 else "edge", color=BAR)
    axes.set_xlabel(f"points, of {most:g}", color=TEXT)
    axes.set_ylabel("learners", color=TEXT)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(0, max(counts, default=0) + 0.5)
    axes.set_xlim(-0.7, max(most, starts[-1] + width - 1) + 0.7)
    ends = (f" to {start + width - 1:g}" if width > 1 else "" for start in starts)
    told = [f"{start:g}{end}: {n}" for start, end, n in zip(starts, ends, counts, strict=True) if n]
    return _svg(figure), f"Learners by points (out of {most:g}): {', '.join(told)}."


def time_line(times: Sequence[datetime], due: datetime | None, everyone: int) -> tuple[str, str]:
    """How many had handed in by when: an SVG, and the same in words."""
    times = sorted(moment.astimezone() for moment in times)
    due = due and due.astimezone()
    first, last = min([times[0], *filter(None, [due])]), max([times[-1], *filter(None, [due])])
    room = max((last - first) / 20, timedelta(minutes=10))
    figure, axes = _axes(5.2, 2.5)
    axes.step(
        [first - room, *times, last + room],
        [0, *range(1, len(times) + 1), len(times)],
        where="post",
        color=BAR,
        linewidth=2,
    )
    if due:
        axes.axvline(due, color=LATE, linestyle="--", linewidth=1.6)
        axes.annotate(
            "due",
            (due, 1.0),
            (-4, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=LATE,
            ha="right",
            va="top",
        )
    axes.set_xlim(first - room, last + room)
    axes.set_ylim(0, max(everyone, len(times)) + 0.5)
    axes.set_ylabel("handed in", color=TEXT)
    axes.set_xlabel(f"time ({times[0].tzname()})", color=TEXT)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    locator = AutoDateLocator(tz=times[0].tzinfo)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=times[0].tzinfo))
    axes.xaxis.get_offset_text().set_color(TEXT)
    late = sum(moment > due for moment in times) if due else 0
    words = f"{len(times)} of {everyone} handed in from {_moment(times[0])} to {_moment(times[-1])}"
    return _svg(figure), words + (f"; due {_moment(due)}, {late} came later." if due else ".")


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}"


def _axes(width: float, height: float):
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    axes.tick_params(colors=TEXT, labelsize=9)
    for side, spine in axes.spines.items():
        spine.set_color(TEXT)
        spine.set_visible(side in ("left", "bottom"))
    return figure, axes


def _svg(figure: Figure) -> str:
    """The bare element; its ids start with a number of its own, for several stand in one page."""
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "attention-lab", "font.family": "sans-serif"}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = stream.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    for stand_in, colour in IN_THE_PAGE.items():
        drawn = drawn.replace(stand_in, colour)
    return re.sub(r'<svg [^>]*viewBox="([^"]+)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', drawn, count=1)


def apart(svg: str, number: int) -> str:
    """The same drawing with ids that no other in the page has."""
    svg = re.sub(r'\bid="', f'id="plot{number}-', svg)
    return svg.replace("url(#", f"url(#plot{number}-").replace('xlink:href="#', f'href="#plot{number}-')
