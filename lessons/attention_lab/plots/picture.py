"""A finished figure: PNG bytes with alternative text, shown once, sharp on any screen."""

import base64
import io
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from attention_lab.plots.palette import png_of

PIXELS_PER_INCH = 96  # CSS pixels; the PNG has twice as many, for sharp screens


@dataclass(frozen=True)
class Picture:
    """A PNG, what it shows in words, and its width in CSS pixels.

    As the last expression of a cell it is shown once; in a terminal its alternative text is printed.
    """

    png: bytes
    alt: str
    width: int

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self._repr_html_(), "text/plain": self.alt}

    def _repr_html_(self):
        source = base64.b64encode(self.png).decode()
        return (
            f'<figure style="margin: 0.5em 0"><img alt="{escape(self.alt)}" width="{self.width}" '
            f'style="max-width: 100%; height: auto" src="data:image/png;base64,{source}"></figure>'
        )

    def __repr__(self):
        return self.alt

    def save(self, path):
        """Write the PNG to a file, and return its path."""
        path = Path(path)
        path.write_bytes(self.png)
        return path


@dataclass(frozen=True)
class PictureRow:
    """Pictures next to each other, below each other where the screen is narrow."""

    pictures: tuple

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    def _repr_html_(self):
        inside = "".join(picture._repr_html_() for picture in self.pictures)
        style = "display: flex; flex-wrap: wrap; gap: 1em; align-items: flex-start"
        return f'<div style="{style}">{inside}</div>'

    def __repr__(self):
        return "\n".join(repr(picture) for picture in self.pictures)


def side_by_side(*pictures):
    """Pictures next to each other, to be compared."""
    for picture in pictures:
        if not isinstance(picture, Picture):
            raise ValueError(
                f"side_by_side takes pictures, not {type(picture).__name__}: "
                "a plot_… function returns one, and show(figure, alt) makes one of a Matplotlib figure"
            )
    return PictureRow(pictures)


def show(figure, alt):
    """A Matplotlib figure of your own as a picture: shown once, and readable without eyes.

    alt says in a sentence what the figure shows.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("alt is empty: say in one sentence what the figure shows")
    if isinstance(figure, Picture):
        return Picture(figure.png, alt, figure.width)
    if not hasattr(figure, "savefig"):
        raise ValueError(f"show takes a Matplotlib figure or a picture, not {type(figure).__name__}")
    file = io.BytesIO()
    figure.savefig(file, dpi=2 * PIXELS_PER_INCH, bbox_inches="tight", format="png")
    drawn = Image.open(file).convert("RGBA")
    drawn = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn)
    if "matplotlib.pyplot" in sys.modules:  # else the notebook's backend shows it a second time
        sys.modules["matplotlib.pyplot"].close(figure)
    return _encoded(np.asarray(drawn), alt)


def render(figure, alt):
    """The figure drawn, without a trace of time or version: the same figure gives the same bytes."""
    figure.set_dpi(2 * PIXELS_PER_INCH)
    figure.canvas.draw()
    return _encoded(np.asarray(figure.canvas.buffer_rgba()), alt)


def _encoded(pixels, alt):
    return Picture(png_of(pixels), alt, round(pixels.shape[1] / 2))
