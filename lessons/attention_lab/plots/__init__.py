"""The figures of the lessons: each function returns a Picture, shown once, that says in words what it shows.

    plot_attention  plot_matrix    matrices.py   a matrix with tokens on both axes
    plot_mask                      masks.py      who may look at whom, and that True means it
    plot_row                       bars.py       one row of weights as bars
    plot_links                     links.py      one token joined to all by lines as thick as its weights
    plot_graph                     graphs.py     arrows from everything to everything
    plot_curves                    curves.py     lines over a common axis
    plot_tiles                     tiles.py      what tiled attention holds, block after block
    plot_vectors                   vectors.py    arrows in the plane
    plot_cells                     cells.py      features of tokens after a reshape, coloured by head
    plot_gallery                   galleries.py  the matrices of many heads, small
    show            side_by_side   picture.py    your own figure as a picture; pictures to be compared

Importing this module imports Matplotlib. No figure here touches pyplot or its backend.
"""

from attention_lab.plots.bars import plot_row
from attention_lab.plots.cells import plot_cells
from attention_lab.plots.curves import plot_curves
from attention_lab.plots.galleries import plot_gallery
from attention_lab.plots.graphs import plot_graph
from attention_lab.plots.links import plot_links
from attention_lab.plots.masks import plot_mask
from attention_lab.plots.matrices import plot_attention, plot_matrix
from attention_lab.plots.picture import Picture, show, side_by_side
from attention_lab.plots.tiles import plot_tiles
from attention_lab.plots.vectors import plot_vectors

__all__ = [
    "Picture",
    "plot_attention",
    "plot_cells",
    "plot_curves",
    "plot_gallery",
    "plot_graph",
    "plot_links",
    "plot_mask",
    "plot_matrix",
    "plot_row",
    "plot_tiles",
    "plot_vectors",
    "show",
    "side_by_side",
]
