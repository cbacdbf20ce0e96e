"""Untrusted HTML and text made harmless: no script, no request, nothing that leaves its place on the page.

The page it goes to is nbgrader's feedback, or its formgrader, where a script would act as the instructor.
"""

import base64
import binascii
import io
import re
import struct
import zlib

import nh3
from PIL import Image

MOST_MARKUP = 200_000  # characters besides pictures
MOST_TAGS = 4_000
MOST_ENTITIES = 10_000
MOST_STYLE = 1_000  # characters
MOST_PIXELS = 40_000_000


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAGS = _words(
    """
    blockquote br caption cite dd del details dfn div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr img ins kbd li mark
    ol p pre q samp section span sub summary sup table tbody td tfoot th thead tr ul var
    """
)
GONE_WITH_CONTENT = _words(
    """
    iframe math noembed noframes noscript object script select style svg template textarea title xmp
    """
)
ATTRIBUTES = {
    "*": {"aria-hidden", "aria-label", "dir", "lang", "role", "style"},
    "img": {"alt", "height", "src", "width"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
SIZES = {"colspan", "height", "rowspan", "start", "width"}
STYLES = _words(
    """
    align-items background background-color border border-bottom border-collapse border-color border-left
    border-radius border-right border-spacing border-style border-top border-width color display flex flex-wrap float
    font-family font-size font-style font-variant-numeric font-weight gap height justify-content line-height
    list-style margin margin-bottom margin-left margin-right margin-top max-width min-width opacity overflow padding
    padding-bottom padding-left padding-right padding-top text-align text-decoration vertical-align white-space width
    """
)
# Addresses, escapes, comments, variables of others, negative and enormous lengths: a style with one of these goes.
_BAD_STYLE = re.compile(r"[\\@{}<>]|/\*|--(?!jp-)|(?<![\w-])-\s*\.?\d|\d{5}|\d[eE]\d", re.ASCII)
_FUNCTION = re.compile(r"([\w-]*)\s*\(", re.ASCII)
_FUNCTIONS = {"hsl", "hsla", "rgb", "rgba", "var"}
# A parser opens unclosed <b>, <code>, … again in every paragraph that follows, so that a few kilobytes become
# gigabytes. Others stand in for them until the tree is built, and what was built is spelled as usual again.
_STAND_IN = {"b": "dfn", "strong": "dfn", "code": "samp", "tt": "samp", "i": "cite", "em": "cite"}
_USUAL = {"dfn": "strong", "samp": "code", "cite": "em"}
_REOPENED = re.compile(r"(</?)(a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])", re.I)
_STOOD_IN = re.compile(r"(</?)(dfn|samp|cite)(?=[ >])")
# Formulas stay text (MathJax knows links, too); what is too large is clipped to its own box.
_BOX = '<div class="tex2jax_ignore mathjax_ignore" style="contain:content;overflow:auto;max-height:200em">{}</div>'
_PICTURE = re.compile(r"data:image/(png|jpeg);base64,([A-Za-z0-9+/=]+)")


def harmless_html(html: str) -> str:
    """The HTML without anything that acts; empty where nothing is left to be seen, or it is too intricate to read."""
    if _is_intricate(html):
        return ""
    clean = nh3.clean(
        _REOPENED.sub(lambda found: found[1] + _STAND_IN.get(found[2].lower(), "span"), html),
        tags=TAGS,
        clean_content_tags=GONE_WITH_CONTENT,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        filter_style_properties=STYLES,
        url_schemes={"data"},
        url_relative="deny",
        link_rel=None,
    )
    seen = "src=" in clean or nh3.clean(clean, tags=set(), attributes={}).strip()
    return _BOX.format(_STOOD_IN.sub(lambda found: found[1] + _USUAL[found[2]], clean)) if seen else ""


def as_plain_text(text: str) -> str:
    """Markdown that shows a text as it stands: one line of HTML, in which no character means anything."""
    coded = re.sub(r"[^\w .,:]", lambda found: f"&#{ord(found[0])};", text)
    return f'<pre style="white-space:pre-wrap">{coded}</pre>'


def picture(kind: str, text) -> str | None:
    """A PNG or JPEG in base64, written afresh; nothing where it is none, or too large for a page."""
    try:
        data = base64.b64decode(re.sub(r"\s", "", text), validate=True)
        with Image.open(io.BytesIO(data), formats=[kind.upper()]) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            image.verify()
    except (
        TypeError,  # not a text
        binascii.Error,
        OSError,
        SyntaxError,
        ValueError,
        OverflowError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
    ):
        return None
    return base64.b64encode(data).decode()


def _attribute(tag, name, value):
    if name == "style":
        return value if _is_quiet(value) else None
    if name == "src":
        return _picture_source(value)
    if name in SIZES:
        return value if re.fullmatch(r"\d{1,4}", value, re.ASCII) else None
    return value


def _is_quiet(style: str) -> bool:
    if len(style) > MOST_STYLE or _BAD_STYLE.search(style):
        return False
    return all(name.lower() in _FUNCTIONS for name in _FUNCTION.findall(style))


def _picture_source(value: str) -> str | None:
    found = _PICTURE.fullmatch(value)
    written = found and picture(found[1], found[2])
    return f"data:image/{found[1]};base64,{written}" if written else None


def _is_intricate(html: str) -> bool:
    """Whether taking the HTML apart could take long, or make much out of little."""
    return len(_PICTURE.sub("", html)) > MOST_MARKUP or html.count("<") > MOST_TAGS or html.count("&") > MOST_ENTITIES
