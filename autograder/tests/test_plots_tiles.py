"""The figure of the tiles: what it says in words, and what it refuses."""

import numpy as np
import pytest
from attention_lab.plots import plot_tiles, tiles

SCORES = np.array([[1.0, 2.0, 3.0], [5.0, 4.0, 3.0]])


def test_the_running_maximum_and_denominator_are_told():
    alt = plot_tiles(SCORES, 2).alt
    assert "block 1: maximum 2.00, denominator 1.37" in alt
    assert "block 2: maximum 3.00, denominator 1.50" in alt
    assert "2 × 3" in alt


def test_the_row_may_be_chosen():
    assert "Of row 1, after block 1: maximum 5.00, denominator 1.37" in plot_tiles(SCORES, 2, row=1).alt


def test_the_last_block_may_be_short_and_one_may_hold_all():
    assert "1 panels" in plot_tiles(SCORES, 7).alt
    assert "3 panels" in plot_tiles(np.zeros((5, 7)), 3).alt


def test_the_tokens_stand_at_rows_and_blocks_and_must_be_as_many():
    alt = plot_tiles(SCORES, 2, row=1, row_tokens=["a", "b"], column_tokens=["x", "y", "z"]).alt
    assert "Of row 1 (b), after block 1: maximum 5.00" in alt
    with pytest.raises(ValueError, match="3 row tokens|3 tokens|row"):
        plot_tiles(SCORES, 2, row_tokens=["a", "b", "c"])


def test_too_many_blocks_are_refused():
    with pytest.raises(ValueError, match="7 blocks are too many"):
        plot_tiles(np.zeros((5, 7)), 1)


def test_a_dot_is_no_speck_and_the_keys_are_announced_before_the_first(monkeypatch):
    drawn = []
    monkeypatch.setattr(tiles, "render", lambda figure, alt: drawn.extend(figure.axes[0].texts))
    plot_tiles(SCORES, 2, row_tokens=["a", "."], column_tokens=["x", "'", "z"])
    places = {text.get_text(): text.get_position() for text in drawn}
    assert {"a", "‹.›", "x", "‹'›", "z"} <= set(places)
    assert places["keys"][0] < places["x"][0]
