"""The figures of the lessons: what they say, what they refuse, and that they are pictures."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from attention_lab.plots import (
    Picture,
    curves,
    plot_attention,
    plot_cells,
    plot_curves,
    plot_gallery,
    plot_graph,
    plot_links,
    plot_mask,
    plot_matrix,
    plot_row,
    plot_vectors,
    show,
    side_by_side,
)
from attention_lab.plots.matrices import SEQUENTIAL
from PIL import Image

TOKENS = ["[CLS]", "the", "bat", "the", "<b>", "$x$", '"']
WEIGHTS = np.random.default_rng(7).dirichlet(np.full(7, 0.4), size=7)
WEIGHTS[2, 4] = 3.25  # larger than any other
X = np.array([2.0, 4.0, 8.0])
CURVES = {"falls": [0.9, 0.5, 0.25], "rises": [0.1, 0.6, 0.1]}
VIEWED = np.arange(30).reshape(2, 3, 5)  # what a view without a transpose makes of 3 tokens with 10 features
FIGURES = {
    "attention": lambda: plot_attention(WEIGHTS, TOKENS, title="All", highlight="bat"),
    "attention-40": lambda: plot_attention(np.eye(40), [f"token{i}" for i in range(40)], highlight=(3, 5)),
    "matrix": lambda: plot_matrix(WEIGHTS - 0.5, TOKENS, TOKENS, title="Scores"),
    "matrix-13": lambda: plot_matrix(np.linspace(-1, 1, 169).reshape(13, 13), diverging=True),
    "row": lambda: plot_row(WEIGHTS[2], TOKENS, title="One row", highlight="bat"),
    "compare": lambda: plot_row(WEIGHTS[2], TOKENS, compare={"after": WEIGHTS[3]}, label="before"),
    "links": lambda: plot_links(WEIGHTS, TOKENS, "bat", title="Links"),
    "links-30": lambda: plot_links(np.full(30, 1 / 30), [f"token{i}" for i in range(30)], 5),
    "graph": lambda: plot_graph(WEIGHTS, TOKENS, title="Graph"),
    "mask": lambda: plot_mask(np.tri(7, dtype=bool), TOKENS, title="A mask"),
    "mask-repeated": lambda: plot_mask(np.arange(5)[None] < 3, ["a", "b", "c"], ["v", "w", "x", "y", "z"]),
    "curves": lambda: plot_curves(X, CURVES, "length", "recall", logx=True, logy=True, note="A note."),
    "cells": lambda: plot_cells(VIEWED, ["the", "$x$", "<b>"], 2, title="view alone"),
    "gallery": lambda: plot_gallery(np.stack([WEIGHTS] * 5), TOKENS, title="Five heads", highlight="bat"),
    "vectors": lambda: plot_vectors([[1, 0], [-0.5, 2]], ["query", "key"], title="By hand"),
}
every_figure = pytest.mark.parametrize("name", FIGURES)


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int)


@every_figure
def test_a_figure_is_a_png_twice_as_wide_as_it_is_shown(name):
    picture = FIGURES[name]()
    image = Image.open(io.BytesIO(picture.png))
    assert image.format == "PNG"
    assert 2 * picture.width in (image.width, image.width - 1, image.width + 1)
    assert len(set(image.convert("L").tobytes())) > 8, "an empty page"


@every_figure
def test_the_same_figure_has_the_same_bytes(name):
    assert FIGURES[name]().png == FIGURES[name]().png


@every_figure
def test_a_notebook_is_given_one_image_with_its_alternative_text(name):
    picture = FIGURES[name]()
    bundle = picture._repr_mimebundle_()
    assert sorted(bundle) == ["text/html", "text/plain"]
    assert bundle["text/plain"] == picture.alt == repr(picture)
    assert bundle["text/html"].count("<img ") == 1
    assert 'src="data:image/png;base64,' in bundle["text/html"]


def test_the_page_of_a_figure_is_white():
    for name in ("attention", "links", "curves"):
        image = Image.open(io.BytesIO(FIGURES[name]().png)).convert("RGB")
        assert image.getpixel((image.width - 1, 0)) == (255, 255, 255)


@pytest.mark.parametrize("name", ["attention", "links", "graph", "row"])
def test_the_alternative_text_names_the_largest_weight_first(name):
    largest = FIGURES[name]().alt.split("est: ")[1]
    assert largest.startswith('"bat" → "<b>" 3.250' if name in ("attention", "graph") else '"<b>" 3.250')


def test_the_alternative_text_says_which_of_two_equal_tokens_is_meant():
    weights = np.zeros((3, 3))
    weights[0, 2] = 0.7
    assert '"the" (position 0) → "the" (position 2) 0.700' in plot_attention(weights, ["the", "bat", "the"]).alt


def test_the_alternative_text_describes_the_outlined_row():
    assert 'Outlined is the row of "bat": "<b>" 3.250' in FIGURES["attention"]().alt


def test_the_alternative_text_of_scores_names_the_smallest_too():
    alt = plot_matrix([[1.5, -4.25], [0, 2]], ["a", "b"], ["c", "d"]).alt
    assert 'Largest: "b" → "d" 2' in alt
    assert 'Smallest: "a" → "d" −4.25' in alt


def test_points_are_drawn_without_the_line_between_them():
    def blue(points):
        picture = plot_curves(X, {"a": X}, "x", "y", points=points)
        red, _, blue = np.moveaxis(np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int), -1, 0)
        return (blue > red + 60).sum()

    assert blue(points=()) > 1.5 * blue(points=("a",)) > 0


def test_a_list_of_names_stands_outside_of_the_lines(monkeypatch):
    drawn = []
    monkeypatch.setattr(curves, "render", lambda figure, alt: drawn.append(figure))
    plot_curves(X, CURVES, "x", "y", legend=True)
    plot_curves(X, {"a": X}, "x", "y", points=["a"], texts=["one", "two", "a rather long name"])
    listed, named = drawn
    for figure in drawn:
        figure.canvas.draw()
    axes = listed.axes[0]
    assert axes.get_legend().get_window_extent().x0 >= axes.get_window_extent().x1
    assert axes.get_legend().get_window_extent().x1 <= listed.bbox.x1
    assert max(text.get_window_extent().x1 for text in named.axes[0].texts) <= named.bbox.x1


def test_texts_beside_points_say_which_is_which():
    picture = plot_curves(X, {"heads": [0.5, 0.25, 1]}, "x", "y", points=["heads"], texts=["7", "5", "11"], note="So.")
    assert picture.alt.endswith("7: 0.5 at 2; 5: 0.25 at 4; 11: 1 at 8. So.")
    assert picture.png != plot_curves(X, {"heads": [0.5, 0.25, 1]}, "x", "y", points=["heads"], note="So.").png


def test_a_large_matrix_has_numbers_where_they_are_asked_for():
    values = np.linspace(0, 1, 130).reshape(10, 13)
    plain, numbered = (plot_matrix(values, diverging=False, numbers=numbers) for numbers in (None, 2))
    assert plain.png != numbered.png and plain.alt == numbered.alt


def test_rows_of_cells_can_have_other_names_than_the_tokens_in_them():
    alt = plot_cells(VIEWED, ["row 0", "row 1", "row 2"], 2, names=["a", "b", "c"]).alt
    assert "row “row 1” holds a 5, a 6, a 7, a 8, a 9" in alt


def test_curves_can_be_narrower():
    assert plot_curves(X, CURVES, "x", "y", width=2.3).width < plot_curves(X, CURVES, "x", "y").width - 200


def test_the_alternative_text_of_curves_gives_ends_and_peak():
    alt = FIGURES["curves"]().alt
    assert "falls: 0.9 at 2, 0.25 at 8." in alt
    assert "rises: 0.1 at 2, 0.1 at 8, largest 0.6 at 4." in alt
    assert alt.endswith("A note.")


def test_the_alternative_text_of_a_mask_says_what_true_means_and_who_sees_whom():
    alt = plot_mask(np.tri(3, k=-1, dtype=bool), ["a", "b", "c"]).alt
    assert "True means “may attend”" in alt
    assert alt.endswith('"a" may attend to nothing; "b" may attend to "a"; "c" may attend to "a" "b".')


def test_a_row_that_is_repeated_is_told_from_one_that_is_stored():
    one_row, tokens = np.array([[True, True, False]]), ["a", "b", "c"]
    repeated, stored = plot_mask(one_row, tokens), plot_mask(np.repeat(one_row, 3, axis=0), tokens)
    dark = [(np.abs(pixels(picture) - [31, 95, 153]).max(axis=-1) < 9).sum() for picture in (repeated, stored)]
    assert 0.2 * dark[1] < dark[0] < 0.5 * dark[1], "one row of three is dark"
    assert "One row is stored and repeated" in repeated.alt and "repeated" not in stored.alt


def test_the_alternative_text_of_cells_says_what_stands_where_and_how_much_of_it_is_out_of_place():
    alt = plot_cells([[[0, 1], [2, 3]], [[4, 5], [6, 7]]], ["cat", "sat"], 2).alt
    assert "head 0: row “cat” holds cat 0, cat 1; row “sat” holds cat 2, cat 3." in alt
    assert "4 of 8 cells are not where they belong." in alt
    numbered = np.arange(30).reshape(3, 2, 5)
    assert plot_cells(VIEWED, ["a", "b", "c"], 2).alt.endswith("20 of 30 cells are not where they belong.")
    for right in (numbered.transpose(1, 0, 2), torch.tensor(numbered.reshape(3, 10))):
        assert plot_cells(right, ["a", "b", "c"], 2).alt.endswith("Each cell is where it belongs.")


def test_a_cell_that_is_out_of_place_is_framed():
    right, wrong = (plot_cells(cells, ["a", "b", "c"], 2) for cells in (np.sort(VIEWED.ravel()).reshape(3, 10), VIEWED))
    orange = np.array([0xD5, 0x5E, 0x00])
    framed = [(np.abs(pixels(picture) - orange).max(axis=-1) < 16).sum() for picture in (right, wrong)]
    assert framed[0] == 0 and framed[1] > 1000


def test_the_alternative_text_of_a_gallery_names_the_largest_weight_of_every_head():
    alt = plot_gallery([np.eye(3), [[0, 0.25, 0]] * 3], ["a", "b", "c"], ["self", "b"], title="Two").alt
    assert alt.startswith("2 attention matrices, Two") and 'b: "a" → "b" 0.250' in alt


def test_a_gallery_marks_a_token_that_would_be_a_speck():
    def ink(token):
        picture = plot_gallery([[[1.0]]], [token])
        return (np.asarray(Image.open(io.BytesIO(picture.png)).convert("L")) < 128).sum()

    assert ink(".") > ink("i")
    assert '"." → "." 1' in plot_gallery([[[1.0]]], ["."]).alt


def test_tokens_with_special_characters_are_escaped_in_html():
    html = plot_attention(WEIGHTS, TOKENS, title="<script>")._repr_html_()
    assert "<b>" not in html and "<script>" not in html
    assert "&lt;b&gt;" in html
    alt = html.split('alt="')[1].split('"')[0]
    assert "&quot;bat&quot;" in alt


def test_a_dollar_sign_in_a_token_is_not_a_formula():
    picture = plot_row([0.3, 0.7], ["$\\broken$", "$a$"])
    assert picture.png == plot_row([0.3, 0.7], ["$\\broken$", "$a$"]).png


def test_tensors_and_lists_give_the_picture_of_the_array():
    expected = plot_attention(WEIGHTS, TOKENS).png
    assert plot_attention(torch.tensor(WEIGHTS, requires_grad=True), TOKENS).png == expected
    assert plot_attention(WEIGHTS.tolist(), TOKENS).png == expected
    assert (
        plot_row(torch.tensor([0.25, 0.75], dtype=torch.bfloat16), ["a", "b"]).alt
        == plot_row([0.25, 0.75], ["a", "b"]).alt
    )


def test_what_was_given_is_left_alone():
    before = WEIGHTS.copy()
    for figure in FIGURES.values():
        figure()
    assert (before == WEIGHTS).all()


def test_pale_cells_keep_the_hue_of_their_ramp():
    weights = np.linspace(0, 0.24, 25).reshape(5, 5)
    picture = plot_attention(weights, list("abcde"), top=1)
    image = np.array(Image.open(io.BytesIO(picture.png)).convert("RGB")).reshape(-1, 3)
    drawn, counts = np.unique(image, axis=0, return_counts=True)
    ramp = np.round(255 * SEQUENTIAL(np.linspace(0, 1, 256))[:, :3])
    cells = [colour for colour, count in zip(drawn.astype(float), counts, strict=True) if count > 10_000]
    off = [np.abs(ramp - colour).max(axis=1).min() for colour in cells if colour.min() < 255 and colour[2] > 240]
    assert len(off) > 5 and max(off) <= 1


def test_colours_begin_where_they_are_told():
    weights = np.array([[0.25, 1.0], [1.0, 0.75]])
    free, told, at_zero = (plot_matrix(weights, diverging=False, bottom=b).png for b in (None, 0.25, 0))
    assert free == told != at_zero


def test_weights_that_are_not_numbers_are_counted_in_words():
    assert "2 of 4 entries are NaN." in plot_attention([[np.nan, 1], [np.nan, 0.5]], ["a", "b"]).alt
    assert "no number at all" in plot_attention([[np.nan]], ["a"]).alt
    assert "Smallest" in plot_matrix([[-np.inf, 1.0]]).alt


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (lambda: plot_cells(np.zeros((2, 2)), ["a", "b"], 1), "each of the numbers 0 to 3 once"),
        (lambda: plot_cells(np.arange(12).reshape(3, 2, 2), ["a", "b"], 2), "with 2 heads"),
        (lambda: plot_cells(np.arange(6).reshape(2, 3), ["a", "b"], 2), "3 features of a token cannot be coloured"),
        (lambda: plot_gallery(WEIGHTS, TOKENS), "a gallery needs"),
        (lambda: plot_gallery(WEIGHTS[None], TOKENS, ["a", "b"]), "there are 2 names"),
        (lambda: plot_attention(np.ones((3, 4)), ["a"] * 5), r"shape \(3, 4\), but there are 5 tokens: a a a a a"),
        (lambda: plot_attention(np.ones((3, 4)), ["a"] * 3), "there are 3 column tokens"),
        (lambda: plot_attention(np.ones((2, 3, 3)), ["a"] * 3), r"two axes.*weights\[0\]"),
        (lambda: plot_attention(np.ones(3), ["a"] * 3), "two axes: rows and columns"),
        (lambda: plot_attention([["a"]], ["a"]), "something other than numbers"),
        (lambda: plot_attention(np.ones((0, 0)), []), "nothing to plot"),
        (lambda: plot_attention(np.ones((3, 3)), "abc"), "give a list of them"),
        (lambda: plot_attention(WEIGHTS, TOKENS, highlight="cat"), "'cat' is none of the tokens: .CLS. the bat"),
        (lambda: plot_attention(WEIGHTS, TOKENS, highlight=7), "7 tokens stand at 0 to 6"),
        (lambda: plot_links(WEIGHTS, TOKENS, "the"), "'the' occurs 2 times: give a position instead, one of 1, 3"),
        (lambda: plot_links(WEIGHTS[:3], TOKENS, 1), "a square matrix, or the row"),
        (lambda: plot_row(WEIGHTS[0], TOKENS, compare={"b": [1, 2]}), r'compare\["b"\] has 2 weights, but .* 7 tokens'),
        (lambda: plot_row(WEIGHTS[0], TOKENS, compare={"weights": WEIGHTS[1]}), "two rows are called"),
        (lambda: plot_graph(np.ones((40, 40)), ["a"] * 40), "too many for a graph"),
        (lambda: plot_mask(np.tri(3), ["a", "b", "c"]), "holds float64, but this plot needs booleans"),
        (lambda: plot_mask(np.ones((2, 1, 3), bool)), r"shape \(2, 1, 3\), but this plot needs two axes.*mask\[0\]"),
        (lambda: plot_mask(np.tri(3, dtype=bool), ["a"] * 4), "4 row tokens"),
        (lambda: plot_curves(X, {"a": [1, 2]}, "x", "y"), '"a" has 2 values, but x has 3'),
        (lambda: plot_curves(X, {"a": [1, 0, 2]}, "x", "y", logy=True), "logy=True cannot show zero"),
        (lambda: plot_curves(X, CURVES, "x", "y", band={"c": (X, X)}), 'band names "c"'),
        (lambda: plot_curves(X, CURVES, "x", "y", points=("c",)), 'points names "c"'),
        (lambda: plot_curves(X, CURVES, "x", "y", texts=["a", "b", "c"]), "3 texts beside the points"),
        (lambda: plot_curves(X, {"a": X}, "x", "y", texts=["a"]), "1 texts beside the points"),
        (lambda: plot_cells(VIEWED, ["a", "b", "c"], 2, names=["a"]), "there are 1 cell tokens"),
        (lambda: plot_vectors([[1, 2, 3]], ["a"]), r"shape \(1, 3\): the plane has two directions"),
        (lambda: side_by_side("a"), "takes pictures, not str"),
        (lambda: show(object(), "words"), "a Matplotlib figure or a picture"),
        (lambda: show(FIGURES["row"](), " "), "alt is empty"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(refused, words):
    with pytest.raises(ValueError, match=words):
        refused()


def test_more_weight_is_darker_in_grey_print_too():
    grey = SEQUENTIAL(np.linspace(0, 1, 101))[:, :3] @ [0.299, 0.587, 0.114]
    assert (np.diff(grey) < 0).all()


def test_no_figure_touches_pyplot_or_its_backend():
    program = (
        "import sys; from attention_lab.plots import plot_row; plot_row([0.25, 0.75], ['a', 'b']);"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_drawing_on_axes_of_ones_own_gives_the_words():
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.add_subplot()
    alt = plot_attention(WEIGHTS, TOKENS, ax=axes)
    assert '"bat" → "<b>" 3.250' in alt
    assert len(axes.images) == 1
    picture = show(figure, alt)
    assert isinstance(picture, Picture) and picture.alt == alt


def test_a_figure_of_pyplot_is_shown_once():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, axes = pyplot.subplots()
    axes.plot([1, 2])
    assert show(figure, "A line.").alt == "A line."
    assert not pyplot.fignum_exists(figure.number)


def test_pictures_side_by_side_keep_their_words(tmp_path):
    left, right = FIGURES["row"](), FIGURES["links"]()
    row = side_by_side(left, right)
    assert repr(row) == f"{left.alt}\n{right.alt}"
    assert row._repr_html_().count("<img ") == 2
    assert left.save(tmp_path / "row.png").read_bytes() == left.png
