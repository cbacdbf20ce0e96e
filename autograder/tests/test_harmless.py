"""Whatever outputs a submission makes, what is shown of them cannot act, and is no larger than allowed."""

import base64
import io
import json
import random
import re
import time
from pathlib import Path

import nbformat
import nbgrader
import pytest
from attention_lab import predict, reveal
from attention_lab.feedback import verdict_html
from attention_lab.plots import plot_attention
from attention_lab.verdict import Part, Verdict
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.ansi import ansi2html
from PIL import Image

from autograder.harmless import MOST_COLOURS, MOST_OUTPUTS, NO_MORE, TOO_LARGE, harmless, harmless_text
from autograder.harmless_html import MOST_TAGS, as_plain_text, harmless_html, picture
from autograder.tests.chromium import NEEDS_CHROMIUM, started

STYLES = Path(nbgrader.__file__).parent / "server_extensions/formgrader/static/node_modules/bootstrap/dist/css"
TEMPLATES = Path(nbgrader.__file__).parent / "server_extensions/formgrader/templates"


def image(kind="PNG", size=(3, 5)) -> str:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


def display(**data) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {k.replace("_", "/", 1): v for k, v in data.items()}}


def shown(*outputs, most_bytes=100_000) -> list:
    """What is shown: outputs that nbformat knows, and that can be saved."""
    made = harmless(list(outputs), most_bytes)
    nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=made)]))
    json.dumps(made).encode()
    return made


def data_of(output, most_bytes=100_000) -> dict:
    (made,) = shown(output, most_bytes=most_bytes)
    return made.data


# Each would set a mark in the page, open a dialog, or ask the canary's host for something.
PWN = "window.__pwned=(window.__pwned||0)+1"
HOST = "http://canary.invalid"
GIF = "R0lGODlhAQABAAAAACwAAAAAAQABAAA="
MARKUP = {
    "script": f"<script>{PWN}</script>",
    "script in capitals, unclosed": f"<SCRIPT>{PWN}//",
    "script from elsewhere": f'<script src="{HOST}/a.js"></script>',
    "script cut in two": f"<scr<script>ipt>{PWN}</scr</script>ipt>",
    "script behind an odd tag": f"<noscript><p title='</noscript><script>{PWN}</script>'>",
    "onerror": f'<img src="x" onerror="{PWN}">',
    "onerror with a slash": f"<img/src=x/onerror={PWN}>",
    "onload of an svg": f'<svg onload="{PWN}"></svg>',
    "script in an svg": f"<svg><script>{PWN}</script><animate onbegin='{PWN}' attributeName=x dur=1s></svg>",
    "math": f'<math><mtext><table><mglyph><style><img src=x onerror="{PWN}">',
    "svg and style": f'<svg></p><style><a title="</style><img src=x onerror={PWN}>">',
    "events": f'<div onmouseover="{PWN}" onfocus="{PWN}" tabindex=0 autofocus>x</div>',
    "an event of its own accord": f'<details open ontoggle="{PWN}">y</details>',
    "autofocus": f'<input autofocus onfocus="{PWN}">',
    "a javascript address": f'<a href="javascript:{PWN}">click</a>',
    "a javascript address in entities": f'<a href="&#106;ava&Tab;script&colon;{PWN}">click</a>',
    "a data address": f'<a href="data:text/html,<script>{PWN}</script>">click</a>',
    "an address outside": f'<a href="{HOST}/a" ping="{HOST}/b">click</a>',
    "iframe": f'<iframe src="{HOST}/frame"></iframe><iframe srcdoc="<script>parent.{PWN}</script>"></iframe>',
    "object and embed": f'<object data="{HOST}/o"></object><embed src="{HOST}/e">',
    "style": f"<style>body{{display:none;background:url({HOST}/s)}}@import '{HOST}/i';</style>",
    "meta": f'<meta http-equiv="refresh" content="0;url={HOST}/m">',
    "base": f'<base href="{HOST}/"><img src="b.png">',
    "link": f'<link rel="stylesheet" href="{HOST}/l.css"><link rel=prefetch href="{HOST}/p">',
    "form": f'<form action="{HOST}/f"><button formaction="javascript:{PWN}">click</button></form>',
    "an image from elsewhere": f'<img src="{HOST}/i.png" srcset="{HOST}/i2.png 2x"><img src="//canary.invalid/j.png">',
    "an image of this page's host": '<img src="/formgrader/api/x"><img src="files/gradebook.db">',
    "an svg as image": f'<img src="data:image/svg+xml,<svg onload={PWN}>"><img src="data:image/png,x">',
    "an image that is html": '<img src="data:image/png;base64,'
    + base64.b64encode(b"<script>1</script>").decode()
    + '">',
    "media": f'<video src="{HOST}/v" poster="{HOST}/w" autoplay></video><audio src="{HOST}/a"></audio>',
    "background": f'<table background="{HOST}/t"><tr><td background="{HOST}/u">x</table><body background="{HOST}/y">',
    "a style that asks": f'<p style="background:url({HOST}/c)">x</p><p style="background:u\\72l({HOST}/d)">x</p>',
    "a style that asks in other words": f"<p style='background:image-set(\"{HOST}/e\" 1x)'>x</p>",
    "a style that computes": f'<p style="width:expression({PWN})">',
    "a list that asks": f'<ul style="list-style:url({HOST}/l)"><li>x</ul>',
    "a variable that asks": f'<p style="--x:url({HOST}/m);background:var(--x)">x</p>',
    "over the page": '<div style="position:fixed;inset:0;z-index:9999;background:red">over</div>',
    "up the page": '<p style="margin-top:-5000px">up</p><p style="margin:calc(0px - 5000px)">up</p>',
    "a formula": f"$\\href{{javascript:{PWN}}}{{x}}$ \\(\\style{{position:fixed}}{{y}}\\)",
    "a name": '<img name="cookie"><a id="location">x</a><form id="MathJax"></form>',
    "an alternative text": f'<img alt="&lt;script&gt;{PWN}&lt;/script&gt;" src="x">',
    "a file name that ends its quotes": f"<img alt='\"><script>{PWN}</script>.png'>",
    "a template": f"<template><script>{PWN}</script></template><textarea><script>{PWN}</script></textarea>",
    "a comment": f"<!--><img src=x onerror={PWN}>--><!--[if IE]><script>{PWN}</script><![endif]--><![CDATA[<b>]]>",
    "an end of the page": f"</div></div></body></html><script>{PWN}</script>",
    "a custom element": f'<x-y is="z" onclick="{PWN}">x</x-y><marquee onstart="{PWN}">x</marquee>',
    "stood-in tags": f'<b onclick="{PWN}"><code onclick="{PWN}"><dfn onclick="{PWN}"><i/onclick={PWN}>x',
}
ACTS = re.compile(
    r"<\s*/?\s*(script|style|svg|math|iframe|object|embed|link|meta|base|form|input|button|a|video|audio|template)\b"
    r"|<[^>]*[\s/](on\w+|href|srcset|id|name|class|background|action)\s*=|<[^>]*style=[^>]*(url|image-set|expression|position)|<!--",
    re.I,
)


@pytest.mark.parametrize("html", MARKUP.values(), ids=MARKUP)
def test_nothing_is_left_in_html_that_acts(html):
    clean = harmless_html(f"<p>before</p>{html}<p>after</p>")
    assert "before" in clean
    inside = clean.removeprefix(re.match(r"<div [^>]*>", clean)[0])
    without_texts = re.sub(r'alt="[^"]*"', "", inside)
    assert not ACTS.search(without_texts), clean
    assert all(
        source.startswith(f"data:image/png;base64,{image()[:8]}") for source in re.findall(r'src="([^"]*)', clean)
    )


def test_every_way_to_act_is_one_that_the_tests_would_see():
    unseen = [name for name, html in MARKUP.items() if not ACTS.search(html) and "data:" not in html]
    assert set(unseen) <= {"up the page", "a formula", "an alternative text", "an image of this page's host"}


def test_formulas_are_not_set_where_html_is_shown():
    assert re.match(r'<div class="tex2jax_ignore mathjax_ignore"', harmless_html("$x$"))


def test_harmless_html_keeps_its_meaning():
    html = (
        f'<h3>Title</h3><table><tr><th scope="row" style="text-align: left">a</th>'
        f'<td colspan="2">1 &lt; 2</td></tr></table>'
        f'<p style="color:rgb(1, 2, 3)">bo<b>ld</b> <code>x = 1</code> <em>so</em></p>'
        f'<img alt="two rows" width="7" src="data:image/png;base64,{image()}">'
    )
    clean = harmless_html(html)
    for kept in ("<h3>Title", 'scope="row"', 'colspan="2"', "1 &lt; 2", "rgb(1, 2, 3)", "<strong>ld</strong>"):
        assert kept in clean
    for kept in ("<code>x = 1</code>", "<em>so</em>", 'alt="two rows"', 'width="7"', image(), "text-align:left"):
        assert kept in clean


def test_our_own_cards_and_pictures_can_still_be_read():
    guess = predict("How **much**?", 0.25, low=0, high=1)
    verdict = Verdict("softmax", (Part("main case", 4, False),), "`rows` sum to **1.3**")
    drawn = plot_attention([[0.25, 0.75], [0.5, 0.5]], ["a", "b"])
    for html, kept in {
        guess._repr_html_(): ["Your guess: 0.25", "much</strong>", 'aria-label="Predict"', "border-left:6px solid"],
        reveal(guess, 0.75)._repr_html_(): ["answer", "0.75", "width:9", "<table"],
        verdict_html(verdict): [
            "0 of 4 points",
            "rows</code>",
            "1.3</strong>",
            "<section",
            "var(--jp-border-color1,#bbb)",
        ],
        drawn._repr_html_(): ['alt="', f"data:image/png;base64,{base64.b64encode(drawn.png).decode()}", "<figure"],
    }.items():
        clean = harmless_html(html)
        for text in kept:
            assert text.replace(" ", "") in clean.replace(" ", ""), clean


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * MOST_TAGS,
        "<p>" + "".join(f"<b dir=a{i}>" for i in range(1500)) + "<p>x" * 2400,
        "<p>" + "</b>" * 900 + "".join(f"<font dir=a{i}>" for i in range(900)) + "<p>x" * 2000,
        "<table>" * 3_000 + "x",
        "&" * 5_000_000,
        "<p " + " ".join(f"a{i}=1" for i in range(500_000)) + ">x",
        '<p style="' + "a" * 3_000_000 + '">x',
        '<p style="' + "(" * 150_000 + '">x',
        "<img src='data:image/png;base64," + "A" * 3_000_000 + "'>",
        "<" * 5_000_000,
    ],
    ids=lambda html: html[:12],
)
def test_html_made_to_take_long_does_not(html):
    start = time.perf_counter()
    assert len(harmless_html(html)) < 500_000
    assert time.perf_counter() - start < 5  # seconds; minutes, or gigabytes, without the limits


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_picture_is_shown_with_its_text(kind):
    data = data_of(display(**{f"image_{kind}": image(kind.upper()) + "\n", "text_plain": "<Figure>"}))
    assert data == {f"image/{kind}": image(kind.upper()), "text/plain": "<Figure>"}


BOMB = image(size=(7000, 7000))  # a few kilobytes that a browser makes 200 MB of
NO_PICTURES = {
    "html": base64.b64encode(b"<script>1</script>").decode(),
    "a jpeg as png": image("JPEG"),
    "half of one": image(size=(41, 43))[:60],
    "not base64": '"><script>1</script>',
    "letters beyond ASCII": "é" * 8,
    "empty": "",
    "a number": 7,
    "a list": ["a", 7],
    "too many pixels": BOMB,
}


@pytest.mark.parametrize("value", NO_PICTURES.values(), ids=NO_PICTURES)
def test_a_png_that_is_none_is_not_shown(value):
    data = data_of(display(image_png=value, text_plain="<Figure>"), most_bytes=999_999)
    assert list(data) == ["text/plain"] and data["text/plain"].startswith("<Figure>\n(Not shown here: a picture")
    assert picture("png", value) is None


OTHERS = {
    "application/javascript": PWN,
    "text/javascript": PWN,
    "application/vnd.jupyter.widget-view+json": {"model_id": "</script><script>1"},
    "application/vnd.jupyter.widget-state+json": {},
    "application/vnd.plotly.v1+json": {},
    "image/svg+xml": f"<svg onload='{PWN}'/>",
    "image/gif": GIF,
    "text/vnd.mermaid": "</pre><script>1</script>",
    "application/pdf": "x",
    "application/json": {"a": 1},
    "<script>1</script>": "x",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_another_kind_of_output_is_said_and_not_shown(kind):
    data = data_of({"output_type": "display_data", "metadata": {}, "data": {kind: OTHERS[kind]}})
    assert list(data) == ["text/plain"]
    assert data["text/plain"].startswith("(Not shown here: ") and "script>" not in data["text/plain"]


@pytest.mark.parametrize("kind", ["text/markdown", "text/latex"])
def test_markdown_and_latex_are_shown_as_text(kind):
    text = "<script>1</script> [x](javascript:1) $\\href{javascript:1}{x}$"
    object_ = "<IPython.core.display.Markdown object>"
    assert data_of(display(**{kind.replace("/", "_"): [text], "text_plain": object_})) == {"text/plain": text}


def test_html_without_anything_harmless_is_said():
    data = data_of(display(text_html="<script>1</script>", text_plain="<HTML object>"))
    assert data == {"text/plain": "<HTML object>\n(Not shown here: HTML of which nothing harmless is left.)"}


def test_text_is_kept_with_its_colours_and_nothing_else_that_a_terminal_obeys():
    text = "\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b[2J\x1b[999999999m\x1b[38;5;9mx\x9b31m a\bb\tc\x00"
    assert harmless_text(text, 999) == "\x1b[1;31mred\x1b[0m ]0;title\x1b[38;5;9mx31m ab\tc"


def test_a_line_that_was_written_over_is_shown_as_it_was_left():
    assert harmless_text("1 %\r50 %\r100 %\nnext\r\nlast", 999) == "100 %\nnext\nlast"


def test_colours_without_end_do_not_hold_up_the_feedback():
    text = harmless_text("\x1b[31mx" * 200_000, 4_000_000)
    assert text.count("\x1b") == MOST_COLOURS
    start = time.perf_counter()
    ansi2html(text)
    assert time.perf_counter() - start < 5  # seconds; minutes without the limit


def test_no_colour_stops_the_feedback():
    rng = random.Random(61)
    for _ in range(300):
        text = "".join(
            rng.choice(["\x1b[", "\x1b", "38", "48", ";", "5", "2", "999", "m", "1", "x", "0", "["]) for _ in range(40)
        )
        ansi2html(harmless_text(text, 999))


def test_a_long_text_loses_its_middle_with_a_note():
    (made,) = shown(
        {"output_type": "stream", "name": "stdout", "text": "start" + "é" * 90_000 + "end"}, most_bytes=5_000
    )
    assert made.text.startswith("start") and made.text.endswith("end") and "bytes are not shown" in made.text
    assert len(made.text.encode()) <= 5_000


def test_all_outputs_together_are_bounded():
    outputs = [{"output_type": "stream", "name": "stdout", "text": "x" * 900}] * 50 + [
        display(text_html="<p>y" * 300)
    ] * 50
    made = shown(*outputs, most_bytes=20_000)
    assert len(json.dumps(made)) < 25_000 and made[-1].data["text/plain"] == NO_MORE


def test_many_small_outputs_are_bounded():
    made = shown(*[{"output_type": "stream", "name": "stdout", "text": "x"}] * 9_999)
    assert len(made) == MOST_OUTPUTS + 1 and made[-1].data["text/plain"] == NO_MORE


@pytest.mark.parametrize("kind", ["image_png", "text_html", "image_svg+xml"])
def test_what_is_too_large_is_said_and_does_not_hide_what_follows(kind):
    large = display(**{kind: "A" * 90_000, "text_plain": "<Figure>"})
    made = shown(large, {"output_type": "stream", "name": "stdout", "text": "next"}, most_bytes=50_000)
    assert made[0].data == {"text/plain": f"<Figure>\n{TOO_LARGE}"} and made[1].text == "next"


def test_an_error_keeps_its_traceback():
    frames = ["\x1b[31mValueError\x1b[39m", "Cell 3, line 7", "ValueError: no"]
    (made,) = shown({"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": frames})
    assert (made.ename, made.evalue, made.traceback) == ("ValueError", "no", ["\n".join(frames)])


@pytest.mark.parametrize("odd", [None, 7, [], {}, [None], ["x", 7], {"a": 1}, True, "\ud800", ""], ids=repr)
def test_outputs_of_odd_types_do_no_harm(odd):
    error, *rest = shown(
        {"output_type": "error", "ename": odd, "evalue": odd, "traceback": odd},
        {"output_type": "stream", "name": odd, "text": odd},
        {"output_type": "execute_result", "data": odd, "metadata": odd, "execution_count": odd},
        {
            "output_type": "display_data",
            "data": {"text/html": odd, "image/png": odd, "text/plain": odd},
            "metadata": odd,
        },
    )
    assert all(isinstance(text, str) for text in [error.ename, error.evalue, *error.traceback])
    assert len(rest) == 3 and all(not output.get("metadata") for output in rest)


@pytest.mark.parametrize(
    "odd", [None, 7, "text", {}, [None], [[]], [{"output_type": ["stream"]}], [{"output_type": "x"}]]
)
def test_what_is_no_output_is_left_out(odd):
    assert harmless(odd, 1_000) == []


@pytest.mark.parametrize("most_bytes", [0, 1, 100, 1_000])
def test_little_room_does_no_harm(most_bytes):
    error = {"output_type": "error", "ename": "E" * 9_999, "evalue": "v" * 9_999, "traceback": ["t" * 9_999] * 9}
    outputs = [error, display(text_html="<p>x" * 99, text_plain="y" * 999), display(image_png=image())]
    for output in outputs:
        shown(output, most_bytes=most_bytes)


class TestInABrowser:
    """nbgrader's own feedback page with all of it, opened: nothing runs, nothing is asked for."""

    pytestmark = NEEDS_CHROMIUM

    def test_nothing_of_a_submission_acts_in_the_feedback(self, tmp_path):
        outputs = [display(text_html=html) for html in MARKUP.values()]
        outputs += [{"output_type": "display_data", "data": {kind: value}} for kind, value in OTHERS.items()]
        outputs += [{"output_type": "stream", "name": "stdout", "text": html} for html in MARKUP.values()]
        outputs += [
            display(**{kind: "\n\n".join(MARKUP.values())}) for kind in ("text_markdown", "text_latex", "text_plain")
        ]
        outputs += [
            {"output_type": "error", "ename": html, "evalue": html, "traceback": [html]} for html in MARKUP.values()
        ]
        outputs += [display(text_html=f'<p>honest</p><img alt="kept" src="data:image/png;base64,{image()}">')]
        made = shown(*outputs, most_bytes=999_999)
        assert len(made) == len(outputs)
        text = as_plain_text("\n\n".join(MARKUP.values()))
        page = _feedback(tmp_path, made, text)
        seen, tries, requests = _opened(page)
        assert (seen, tries, requests) == ({"pwned": None, "honest": True, "wide": 3}, [], [])

    def test_the_canary_sings_when_nothing_is_made_harmless(self, tmp_path):
        made = [
            nbformat.v4.new_output("display_data", {"text/html": MARKUP[name]})
            for name in ("script", "onerror", "a formula")
        ]
        made.append(nbformat.v4.new_output("display_data", {"text/html": MARKUP["an image from elsewhere"]}))
        seen, _, requests = _opened(_feedback(tmp_path, made, ""))
        assert seen["pwned"] and any("canary.invalid" in address for address in requests)


def _feedback(folder, outputs, markdown) -> Path:
    cells = [nbformat.v4.new_markdown_cell(markdown), nbformat.v4.new_code_cell("x", outputs=outputs)]
    exporter = HTMLExporter(
        template_name="feedback", extra_template_basedirs=[str(TEMPLATES)], extra_template_paths=[str(STYLES)]
    )
    resources = {"nbgrader": {"notebook": "lesson", "score": 0, "max_score": 1, "late_penalty": 0}}
    html, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=cells), resources=resources)
    # The page's own scripts come from the network: they are taken out, so that every request is a submission's.
    html = re.sub(r'<script src="https://cdnjs[^>]*>\s*</script>', "", html)
    page = folder / "feedback.html"
    page.write_text(html)
    return page


def _opened(page: Path):
    """What the page holds after everything that can be clicked was; dialogs, and addresses that were asked for."""
    dialogs, requests = [], []
    with started() as browser:
        tab = browser.new_page()
        tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(page.as_uri(), wait_until="load")
        tab.wait_for_timeout(500)
        tab.evaluate(
            """() => { for (const e of document.querySelectorAll('#notebook *')) {
                for (const kind of ['click', 'mouseover', 'focus', 'toggle']) e.dispatchEvent(new Event(kind)) } }"""
        )
        tab.wait_for_timeout(300)
        seen = tab.evaluate(
            """() => ({pwned: window.__pwned ?? null, honest: document.body.innerText.includes('honest'),
                wide: document.querySelector('img[alt=kept]')?.naturalWidth ?? null})"""
        )
    return seen, dialogs, [url for url in requests if not url.startswith("data:") and url != page.as_uri()]
