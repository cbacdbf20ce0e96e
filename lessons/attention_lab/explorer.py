"""The attention explorer: point at a token and see where it looks; choose layer, head, scale and mask.

`explore` shows it in a notebook; `explorer_page` gives it as HTML for a page without a kernel. What may be asked for is
checked in explorer_choices.py and computed in explorer_subject.py; explorer.js draws it in the browser, and
explorer_widget.py ties it to a notebook's kernel.
"""

import json
import os
from dataclasses import asdict
from functools import cached_property
from html import escape
from pathlib import Path

import numpy as np

from attention_lab.explorer_choices import Shown, shown_of

ON_A_PAGE = "ATTENTION_LAB_EXPLORER"  # set to "page", explore() shows what explorer_page() gives: for web sites
INSTALL = "This figure can be played with where anywidget is installed: pip install anywidget"
HERE = Path(__file__).parent
PARTS = ("explorer_weights.js", "explorer_controls.js", "explorer_sentence.js", "explorer.js")


def explore(sentence=None, **choices):
    """A sentence to point at: where does each token look, in which head, with which scale and mask?

        explore()                                        "tired", layer 3, head 1: "it" finds "animal"
        explore("wide", layer=0, head=2, token="the")    another sentence; a token is its text or its position
        explore("tired", attention=my_attention)         your function(query, key, value[, mask]) on real heads
        explore(tokens=words, weights=my_weights)        your numbers, (n, n) or (heads, n, n)

    scale: "none", "sqrt_d_k", "d_k" or a number that divides the scores; mask: "none", "causal" or "padding"
    controls: which of "layer", "head", "scale" and "mask" can be changed (all that have a meaning, if not given)
    → the figure; its `weights` are those that are shown, (n, n). Without anywidget it is a still figure.
    """
    shown = shown_of(sentence, **choices)
    if os.environ.get(ON_A_PAGE) == "page":
        return Page(shown)
    try:
        from attention_lab.explorer_widget import Explorer
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] not in ("anywidget", "ipywidgets"):
            raise
        return Still(shown)
    return Explorer(shown)


def explorer_page(sentence=None, **choices) -> str:
    """The explorer as HTML for any page: it needs no kernel and no network. Arguments as for `explore`."""
    return page(shown_of(sentence, **choices))


class Page:
    """The explorer as it stands on a web page: live without a kernel."""

    def __init__(self, shown: Shown):
        self._shown = shown

    @property
    def weights(self) -> np.ndarray:
        """The weights that are shown at first, (n, n)."""
        return self._shown.weights

    @cached_property
    def _picture(self):
        return self._shown.picture()

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": page(self._shown), "text/plain": repr(self)}

    def __repr__(self):
        return self._picture.alt


class Still(Page):
    """The still figure, and how to get the one that moves."""

    def _repr_mimebundle_(self, include=None, exclude=None):
        note = f"<p><small>{escape(INSTALL)}</small></p>"
        return {"text/html": self._picture._repr_html_() + note, "text/plain": repr(self)}

    def __repr__(self):
        return f"{self._picture.alt}\n{INSTALL}"


def page(shown: Shown) -> str:
    """One element with its style, its numbers and its script inside; without scripts, the still figure."""
    state = json.dumps({"data": shown.as_json(), **asdict(shown.view)}).replace("<", "\\u003c")
    return (
        f'<div class="attention-explorer-page">{shown.picture()._repr_html_()}'
        f'<script type="application/json">{state}</script></div>\n'
        f"<style>{style()}</style>\n"
        f'<script type="module">{script().replace("export default", "const explorer =")}explorer.onPage();</script>\n'
    )


def script() -> str:
    """The JavaScript module, of its parts: no import, no request."""
    return "".join((HERE / name).read_text(encoding="utf-8") for name in PARTS)


def style() -> str:
    return (HERE / "explorer.css").read_text(encoding="utf-8")
