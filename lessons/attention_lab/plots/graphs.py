"""Attention as a graph, in which everything touches everything."""

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

from attention_lab.plots.arguments import as_numbers, as_tokens
from attention_lab.plots.canvas import BLUE, INK, TEXT, new_axes, widest
from attention_lab.plots.links import thickness
from attention_lab.plots.picture import render
from attention_lab.wording import largest_in_matrix

MOST_NODES = 16
LOOP = 0.15  # inches, the radius of a token's look at itself
BEND = 0.12  # how far an arrow leaves the straight line, so that there and back are two lines
AWAY = 2 * LOOP + 0.2  # of a token's name from its node: beyond the thickest loop
CLEAR = 0.1  # inches kept free around a node


def plot_graph(weights, tokens, title=None):
    """Tokens on a circle, and an arrow as thick as its weight from each to each.

    weights (n, n), n up to 16; tokens n texts; an arrow goes from who looks to who is looked at
    → a Picture
    """
    weights = as_numbers("weights", weights, axes=2)
    count = len(weights)
    if weights.shape != (count, count):
        raise ValueError(f"weights has shape {weights.shape}: a graph needs as many rows as columns")
    if count > MOST_NODES:
        raise ValueError(f"{count} tokens are too many for a graph to be read: take {MOST_NODES} or fewer")
    tokens = as_tokens(tokens, count, "weights", weights.shape)
    alt = f"Graph{f', {title}' if title else ''}: an arrow from each of {count} tokens to each token. "
    alt += f"Thickest: {largest_in_matrix(weights, tokens, tokens)}."

    radius = 0.75 + 0.11 * count  # inches
    angles = np.pi / 2 - 2 * np.pi * np.arange(count) / count
    nodes = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    width, low, high = radius + AWAY + widest(tokens), nodes[:, 1].min() - AWAY - 0.2, radius + AWAY + 0.2
    figure, ax = new_axes(2 * width, high - low, left=0.1, right=0.1, top=0, bottom=0, title=title)
    ax.set(xlim=(-width, width), ylim=(low, high))
    ax.set_axis_off()
    _arrows(ax, nodes, weights)
    ax.scatter(*nodes.T, s=60, color=INK, zorder=3)
    for (x, y), token in zip(nodes * (1 + AWAY / radius), tokens, strict=True):
        beside = "center" if abs(x) < 0.1 * radius else ("left" if x > 0 else "right")
        above = "center" if abs(y) < 0.7 * radius else ("bottom" if y > 0 else "top")
        ax.text(x, y, token, size=TEXT, color=INK, parse_math=False, ha=beside, va=above)
    return render(figure, alt)


def _arrows(ax, nodes, weights):
    """All lines in one collection and all heads in another: a patch of its own for each takes several times as long."""
    lines, heads, opacities = [], [], []
    widths, alphas = thickness(weights)
    turn = np.linspace(0, 2 * np.pi, 40)
    circle = LOOP * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    for (i, j), thick in np.ndenumerate(widths):
        if i == j:
            lines.append(nodes[i] * (1 + LOOP / np.linalg.norm(nodes[i])) + circle)
            continue
        across = nodes[j] - nodes[i]
        length = np.linalg.norm(across)
        middle = (nodes[i] + nodes[j]) / 2 + BEND * np.array([across[1], -across[0]])
        head = 0.06 + thick / 72  # inches
        t = np.linspace(CLEAR / length, 1 - (CLEAR + head) / length, 24)[:, None]
        line = (1 - t) ** 2 * nodes[i] + 2 * t * (1 - t) * middle + t**2 * nodes[j]
        ahead = nodes[j] - middle
        ahead = ahead / np.linalg.norm(ahead)
        beside = np.array([-ahead[1], ahead[0]]) * (0.025 + 0.9 * thick / 72)
        lines.append(line)
        heads.append([line[-1] + beside, line[-1] + ahead * head, line[-1] - beside])
        opacities.append(alphas[i, j])
    ax.add_collection(LineCollection(lines, colors=BLUE, linewidths=widths.ravel(), alpha=alphas.ravel()))
    if heads:
        ax.add_collection(PolyCollection(heads, facecolors=BLUE, linewidths=0, alpha=opacities))
