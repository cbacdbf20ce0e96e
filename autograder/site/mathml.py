"""A Sphinx extension: formulas as MathML, which every browser of today draws by itself, without a script or a font."""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

# Commands that docutils, which reads the formulas, does not know, and what it knows in their place.
UNKNOWN = {r"\dots": r"\ldots", r"\big": r"\bigl", r"\Big": r"\Bigl", r"\bigg": r"\biggl", r"\Bigg": r"\Biggl"}
logger = logging.getLogger(__name__)


def setup(app):
    """Makes MathML the builder's way to show formulas (`html_math_renderer = "mathml"`)."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator, node):
    translator.body.append(_mathml(node, as_block=False))
    raise nodes.SkipNode


def _block(translator, node):
    translator.body.append(f'<div class="formula">{_mathml(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def _mathml(node, as_block: bool) -> str:
    formula = node.astext()
    known = re.sub(r"\\[A-Za-z]+", lambda command: UNKNOWN.get(command[0], command[0]), formula)
    try:
        return tex2mathml(known, as_block=as_block)
    except MathError as error:
        logger.warning("this formula cannot become MathML: %s (%s)", formula, error, location=node)
        return ""
