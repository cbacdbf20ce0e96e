"""No figure cuts a token off, or lets two texts meet, whether a sentence has three tokens or forty."""

from itertools import combinations

import numpy as np
import pytest
from attention_lab.plots import (
    bars,
    cells,
    galleries,
    graphs,
    links,
    masks,
    matrices,
    plot_attention,
    plot_cells,
    plot_gallery,
    plot_graph,
    plot_links,
    plot_mask,
    plot_matrix,
    plot_row,
)
from matplotlib.text import Text

SHORT = "cat sat mat"
USUAL = "[CLS] the animal didn ' t cross the street because it was too tired . [SEP]"
LONG = (
    "[CLS] when the trophy didn ' t fit into the brown suitcase because it was too big , the neighbour who had "
    "bought transformation ##s went home and slept a bit [SEP]"
)
SENTENCES = {3: SHORT.split(), 16: USUAL.split(), 32: LONG.split(), 40: ["transformation"] * 40}
BOTH = {"row_axis": "looks", "column_axis": "is looked at"}
LAYOUTS = {
    "attention": lambda weights, tokens: plot_attention(weights, tokens, title="Where each of the tokens looks"),
    "one-row": lambda weights, tokens: plot_attention(weights[:1], tokens[:1], tokens),
    "one-column": lambda weights, tokens: plot_attention(
        weights[:, :1], tokens, tokens[:1], title="A title to be broken"
    ),
    "matrix": lambda weights, tokens: plot_matrix(weights - 0.5, tokens, tokens, title="Scores", **BOTH),
    "row": lambda weights, tokens: plot_row(weights[1], tokens, title="Where one of them looks", highlight=2),
    "compare": lambda weights, tokens: plot_row(weights[1], tokens, compare={"wide": weights[2]}, label="tired"),
    "links": lambda weights, tokens: plot_links(weights, tokens, 1, title="Where one of them looks"),
    "graph": lambda weights, tokens: plot_graph(weights[:9, :9], tokens[:9], title="Everything touches everything"),
    "cells": lambda weights, tokens: plot_cells(
        np.arange(6 * len(tokens)).reshape(3, -1, 2), tokens, 3, title="Cut by a view alone, that is, elsewhere"
    ),
    "gallery": lambda weights, tokens: plot_gallery(
        np.stack([weights] * 6), tokens, title="Six heads, and a title that is broken where it is too long for its page"
    ),
    "mask": lambda weights, tokens: plot_mask(weights > 0.1, tokens, title="Who may look at whom, drawn"),
    "repeated-mask": lambda weights, tokens: plot_mask(weights[:1] > 0.1, tokens, title="One row for all"),
    "one-row-mask": lambda weights, tokens: plot_mask(weights[:1] > 0.1, tokens[:1], tokens),
}


@pytest.mark.parametrize("length", SENTENCES)
@pytest.mark.parametrize("name", LAYOUTS)
def test_no_text_runs_into_another_or_off_the_page(name, length, monkeypatch):
    figures = []
    for module in (bars, cells, galleries, graphs, links, masks, matrices):
        monkeypatch.setattr(module, "render", lambda figure, alt: figures.append(figure))
    weights = np.random.default_rng(length).dirichlet(np.full(length, 0.3), size=length)
    LAYOUTS[name](weights, SENTENCES[length])
    figure = figures[0]
    for axes in figure.axes:  # Matplotlib keeps ticks that it does not draw
        low, high = sorted(axes.get_ylim())
        axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= high])
    figure.canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    boxes = [text.get_window_extent() for text in texts]
    page = figure.bbox
    for text, box in zip(texts, boxes, strict=True):
        inside = page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        assert inside, f"{text.get_text()!r} leaves the page"
    for (one, a), (other, b) in combinations(zip(texts, boxes, strict=True), 2):
        shared_x, shared_y = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(shared_x, shared_y) < 1.5, f"{one.get_text()!r} runs into {other.get_text()!r}"


def _drawn_row(monkeypatch, **keywords):
    """The figure of three rows of 17 tokens, the first certain of one token."""
    figures = []
    monkeypatch.setattr(bars, "render", lambda figure, alt: figures.append(figure))
    tokens = [f"token {place}" for place in range(17)]
    second, third = np.full(17, 0.02), np.full(17, 0.05)
    second[3], third[3] = 0.68, 0.2
    plot_row(np.eye(17)[3], tokens, compare={"second": second, "third": third}, **keywords)
    figures[0].canvas.draw()
    return figures[0]


def test_the_legend_of_bars_has_no_outline_of_the_highlight(monkeypatch):
    edges = [
        {patch.get_edgecolor() for patch in _drawn_row(monkeypatch, **keywords).axes[0].get_legend().get_patches()}
        for keywords in ({}, {"highlight": 0})
    ]
    assert edges[0] == edges[1]


def test_the_number_of_a_low_bar_keeps_clear_of_the_high_bar_beside_it(monkeypatch):
    axes = _drawn_row(monkeypatch).axes[0]
    high = axes.containers[0][3].get_window_extent()
    text = next(text for text in axes.texts if text.get_text() == "0.680")
    ink = text.get_window_extent()
    assert ink.x0 >= high.x1
