"""One row of an attention matrix as bars."""

import numpy as np

from attention_lab.plots.arguments import as_numbers, as_tokens, position
from attention_lab.plots.canvas import BLUE, INK, ORANGE, PALE, SMALL, TEXT, name_columns, new_axes, text_width, widest
from attention_lab.plots.picture import render
from attention_lab.wording import largest, largest_in_row, weight

HEIGHT = 2.0  # inches
UPRIGHT = {"rotation": 90, "rotation_mode": "anchor", "ha": "left", "va": "center_baseline"}  # digits over the middle
STYLES = (  # told apart by hatch and lightness, so also in grey print
    {"facecolor": BLUE, "edgecolor": BLUE},
    {"facecolor": "#f6c89f", "edgecolor": "#8a3b00", "hatch": "////"},
    {"facecolor": "white", "edgecolor": INK, "hatch": "...."},
    {"facecolor": "#c9d6e2", "edgecolor": INK, "hatch": "xxxx"},
)


def plot_row(weights, tokens, title=None, highlight=None, compare=None, label="weights", axis="attention weight"):
    """One row of weights as bars: how much one token looks at each of the others.

    weights (n,); tokens n texts; highlight: a token or its position, whose bar is outlined
    compare: {"label": weights, …}, up to three more rows beside this one, which is then called `label`
    axis says what the bars measure
    → a Picture
    """
    weights = as_numbers("weights", weights, axes=1)
    tokens = as_tokens(tokens, len(weights), "weights", weights.shape)
    rows = {label: weights, **_compared(compare, weights, label)}
    marked = None if highlight is None else position(highlight, tokens)
    several = len(rows) > 1

    alt = f"Bars{f', {title}' if title else ''}: {axis} of {len(tokens)} tokens. "
    alt += " ".join(
        f"{f'Largest of {name}' if several else 'Largest'}: {largest_in_row(row, tokens)}."
        for name, row in rows.items()
    )

    finite = np.concatenate([row[np.isfinite(row)] for row in rows.values()])
    high, low = finite.max(initial=0), finite.min(initial=0)
    step = min(max(6.6 / len(tokens), 0.19, 0.165 * len(rows)), 0.75 + 0.25 * (len(rows) - 1))
    room_for_name = widest(tokens, SMALL, "normal" if marked is None else "bold")
    turned = room_for_name > step - 0.06
    figure, ax = new_axes(
        step * len(tokens),
        HEIGHT,
        left=0.75,
        right=max(0.15, 2.6 - step * len(tokens)),
        top=0.38 if several else 0.1,
        bottom=(room_for_name if turned else 0.15) + 0.15,
        title=title,
    )
    wide = 0.8 / len(rows)
    tilted = wide * step < text_width("0.000", SMALL) + (0.06 if several else 0)
    room = 0.5 if tilted else 0.2  # inches above the highest bar, for its number
    unit = ((high - low) or 1) / (HEIGHT - room)  # what an inch stands for
    ax.set_ylim(low, high + room * unit)
    ax.set_xlim(-0.5, len(tokens) - 0.5)
    outlined = []
    for turn, (name, row) in enumerate(rows.items()):
        places = np.arange(len(row)) + (turn - (len(rows) - 1) / 2) * wide
        bars = ax.bar(places, row, wide, label=name, linewidth=0.8, **STYLES[turn])
        if marked is not None:
            outlined.append(bars[marked])
        _write_values(ax, places, row, 0.05 * high, tilted, 0.04 * unit)
    ax.axhline(0, color=PALE, linewidth=0.8)
    names = name_columns(ax, tokens, below=True, turned=turned)
    if marked is not None:
        names[marked].set_weight("bold")
    ax.set_ylabel(axis, size=TEXT, color=INK)
    ax.locator_params(axis="y", nbins=5)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if several:
        ax.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=len(rows),
            frameon=False,
            fontsize=SMALL,
            borderpad=0.2,
        )
    for bar in outlined:  # only now: the legend copies the look of the first bars
        bar.set(edgecolor=INK if several else ORANGE, linewidth=2.2)  # several rows have an orange of their own
    return render(figure, alt)


def _compared(compare, weights, label):
    rows = {}
    for name, row in (compare or {}).items():
        if name == label:
            raise ValueError(f'two rows are called "{name}": name the first one with label="…"')
        rows[name] = as_numbers(f'compare["{name}"]', row, axes=1)
        if len(rows[name]) != len(weights):
            found = f'compare["{name}"] has {len(rows[name])} weights'
            raise ValueError(f"{found}, but there are {len(weights)} tokens")
    if len(rows) >= len(STYLES):
        raise ValueError(f"{len(rows) + 1} rows are too many for one figure: compare at most {len(STYLES)}")
    return rows


def _write_values(ax, places, row, worth, tilted, gap):
    """The numbers above the three largest bars; upright above narrow bars, so that they never meet."""
    for (at,) in largest(row):
        if row[at] < worth:
            continue
        ax.text(
            places[at],
            max(row[at], 0) + gap,
            weight(row[at]),
            size=SMALL,
            color=INK,
            **(UPRIGHT if tilted else {"ha": "center", "va": "bottom"}),
        )
