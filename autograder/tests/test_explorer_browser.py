"""The attention explorer in a real browser: on a page without a kernel, and in JupyterLab. Screenshots are kept."""

import re
import shutil

import nbformat
import numpy as np
import pytest
from attention_lab import explorer_page, load_attention
from attention_lab.explorer_choices import shown_of
from numpy.testing import assert_allclose

from autograder.tests.chromium import NEEDS_CHROMIUM
from autograder.tests.test_browser import jupyterlab

pytestmark = NEEDS_CHROMIUM
PAGE = """<!doctype html><html lang="en"{theme}><head><meta charset="utf-8"><title>Explorer</title></head>
<body style="margin: 2em auto; max-width: {width}px"><main><h1>Explorer</h1>{body}</main></body></html>"""
# What each element that can be reached is called, and whether anything is called nothing.
NAMELESS = """() => [...document.querySelectorAll('.attention-explorer :is(button, input, select, summary)')]
    .filter(e => !(e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText || '').trim())
    .map(e => e.outerHTML)"""
# The contrast of text with what is behind it, where it is below 4.5 (WCAG 2.2, 1.4.3); disabled controls may be lower.
PALE = """() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const paint = (...colours) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
    const pale = [];
    for (const e of document.querySelectorAll('.attention-explorer *')) {
        const text = [...e.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!text || !e.checkVisibility() || e.closest(':disabled, .ae-live')) continue;
        const behind = [];
        for (let at = e; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
        const back = paint('white', ...behind);
        const front = paint('white', ...behind, getComputedStyle(e).color);
        const [low, high] = [light(back), light(front)].sort((a, b) => a - b);
        if ((high + 0.05) / (low + 0.05) < 4.5) pale.push([e.className, e.textContent, (high + 0.05) / (low + 0.05)]);
    }
    return pale;
}"""


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page with one explorer; fails when the page asks for anything or raises."""
    troubles, contexts = [], []

    def open_page(*arguments, theme="", width=780, window=900, **choices):
        options = {key: choices.pop(key) for key in ("color_scheme", "reduced_motion") if key in choices}
        file = tmp_path / "explorer.html"
        body = explorer_page(*arguments, **choices)
        file.write_text(PAGE.format(theme=theme, width=width, body=body), encoding="utf-8")
        contexts.append(browser.new_context(viewport={"width": window, "height": 700}, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text))
        page.on("request", lambda request: request.url == file.as_uri() or troubles.append(request.url))
        page.goto(file.as_uri())
        page.locator(".attention-explorer").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [trouble for trouble in troubles if not trouble.startswith("data:image/png")] == []


def heard(page, text):
    """Waits until the live region says `text`."""
    page.get_by_role("status").filter(has_text=re.compile(re.escape(text))).wait_for(state="attached", timeout=30_000)


def said(page):
    return page.locator(".ae-said").inner_text()


def test_by_keyboard_alone_one_finds_the_numbers_of_the_lessons(opened, screenshots):
    page = opened(token=0)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "[CLS]"
    page.keyboard.press("i")
    heard(page, "it looks at animal 0.677, [CLS] 0.102, it 0.064, street 0.050")
    assert page.evaluate("document.activeElement.textContent") == "it"
    page.keyboard.press("ArrowRight")
    heard(page, "was looks at")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")  # layer
    page.keyboard.press("Tab")  # head
    page.keyboard.press("Tab")  # scale
    page.keyboard.press("ArrowLeft")
    heard(page, "it looks at animal 1.000")
    page.screenshot(path=screenshots / "explorer-not-scaled.png")
    page.keyboard.press("ArrowRight")
    heard(page, "animal 0.677")
    page.keyboard.press("ArrowRight")
    heard(page, "animal 0.124")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")  # slider
    page.keyboard.press("Tab")  # mask
    page.keyboard.press("ArrowRight")
    heard(page, "it looks at animal 0.702")
    page.screenshot(path=screenshots / "explorer-causal.png")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # as at first
    heard(page, "[CLS] looks at")


def test_the_mouse_points_and_a_click_stays(opened):
    page = opened()
    page.get_by_role("radio", name="because").hover()
    assert said(page).startswith("because looks at")
    page.get_by_role("heading").hover()
    assert said(page).startswith("it looks at animal 0.677")
    page.get_by_role("radio", name="tired").click()
    page.get_by_role("heading").hover()
    assert said(page).startswith("tired looks at")


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"scale": "none"},
        {"scale": 11, "mask": "padding"},
        {"layer": 0, "head": 10, "mask": "causal"},
        {"layer": 5, "head": 11},
    ],
)
def test_the_browser_computes_what_python_computes(opened, choices):
    page = opened("vault", **choices)
    page.locator("summary").click()
    shown = shown_of("vault", **choices)
    for at in range(0, len(shown.weights), 3):
        page.locator(".ae-token").nth(at).click()
        cells = page.locator("table td:last-child").all_inner_texts()
        row = [0.0 if cell == "not permitted" else float(cell) for cell in cells]
        assert_allclose(row, shown.weights[at], atol=5.1e-4)


def test_padding_and_divisor_have_sliders(opened):
    page = opened(mask="padding")
    page.get_by_role("slider", name="Tokens that are real").fill("2")
    heard(page, "it looks at [CLS]")
    assert "last 14 tokens" in page.locator(".ae-note").inner_text()
    slider = page.get_by_role("slider", name="Divisor of the scores")
    slider.fill("0")
    assert page.get_by_role("radio", name="none, the scores as they are").is_checked()
    slider.fill("5")
    assert slider.get_attribute("aria-valuetext") == "divide by d_k, 32"
    slider.fill("2.5")
    assert slider.get_attribute("aria-valuetext") == "divide by √d_k, 5.66"


OUTLINED = """() => [...document.querySelectorAll('.attention-explorer *')]
    .filter(e => getComputedStyle(e).outlineStyle !== 'none' && getComputedStyle(e).opacity !== '0')
    .map(e => e.tagName.toLowerCase())"""


def test_a_slider_in_focus_has_one_outline_and_its_number_none(opened):
    page = opened(controls=["scale"], theme=' data-theme="dark"')
    page.get_by_role("radio", name="none, the scores as they are").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(OUTLINED) == ["span"]  # the pill; its radio button is not to be seen
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"
    assert page.evaluate(OUTLINED) == ["input"]


def test_a_layer_without_projections_says_that_it_shows_the_models_own_weights(opened):
    page = opened()
    page.get_by_role("combobox", name="Layer").select_option("5")
    page.get_by_role("combobox", name="Head").select_option("11")
    heard(page, "it looks at animal 0.673")
    assert "Of layer 5 you see the weights that the model itself computed" in page.locator(".ae-note").inner_text()
    assert page.get_by_role("radio", name="causal").is_disabled()
    assert page.get_by_role("slider").is_disabled()
    page.get_by_role("combobox", name="Layer").select_option("0")
    assert page.get_by_role("radio", name="causal").is_enabled()


def test_weights_of_ones_own_are_shown_as_they_are_and_never_become_markup(opened):
    tokens = ["<img src=x onerror=alert(1)>", "</script>", "&amp;"]
    weights = np.array([[0.5, 0.4, 0.3], [1.0, 0.0, 0.0], [1.5, -0.5, np.nan]])
    page = opened(tokens=tokens, weights=weights)
    assert [page.locator(".ae-token").nth(at).inner_text() for at in range(3)] == tokens
    assert page.locator(".attention-explorer img").count() == 0
    assert page.get_by_role("combobox").count() == 0
    assert "sum to 1.200, not to 1" in page.locator(".ae-note").inner_text()
    page.locator(".ae-token").nth(1).click()
    assert page.locator(".ae-note").inner_text() == ""
    page.locator(".ae-token").nth(2).click()
    assert "no finite numbers. 1 of them is negative" in page.locator(".ae-note").inner_text()


@pytest.mark.parametrize(("theme", "system"), [("light", "dark"), ("dark", "light"), ("", "light"), ("", "dark")])
def test_light_and_dark_follow_the_page_then_the_system_and_can_be_read(opened, screenshots, theme, system):
    attribute = f' data-theme="{theme}" style="background: {"#101418" if theme == "dark" else "#fff"}"' if theme else ""
    page = opened(theme=attribute, color_scheme=system, mask="causal")
    dark = (theme or system) == "dark"
    paper = page.locator(".attention-explorer").evaluate("e => getComputedStyle(e).backgroundColor")
    assert paper == ("rgb(20, 25, 31)" if dark else "rgb(255, 255, 255)")
    page.get_by_role("combobox", name="Head").select_option("5")
    page.wait_for_timeout(500)
    assert page.evaluate(PALE) == []
    page.screenshot(path=screenshots / f"explorer-page-{theme or 'system'}-{system}.png")


def test_everything_that_can_be_reached_has_a_role_and_a_name(opened):
    page = opened(mask="padding")
    assert page.evaluate(NAMELESS) == []
    assert page.get_by_role("group", name=re.compile("The animal didn't cross")).count() == 1
    tokens = page.get_by_role("radiogroup", name="Which token looks?").get_by_role("radio")
    assert tokens.count() == 16
    assert tokens.nth(10).get_attribute("aria-checked") == "true"
    assert tokens.nth(1).get_attribute("aria-label") == "the (position 1)"
    assert page.locator(".ae-token[tabindex='0']").count() == 1
    for name in ("Scale", "Mask"):
        assert page.get_by_role("group", name=name, exact=True).count() == 1
    page.locator("summary").click()
    assert page.get_by_role("table", name="Where “it” looks").get_by_role("rowheader").count() == 16
    assert page.locator("[id]").count() == len(set(page.locator("[id]").evaluate_all("all => all.map(e => e.id)")))


@pytest.mark.parametrize(("window", "name"), [(390, "tired"), (900, "long")])
def test_where_a_sentence_does_not_fit_it_stands_in_a_column(opened, screenshots, window, name):
    page = opened(name, window=window)
    assert page.locator(".attention-explorer.ae-tall").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.screenshot(path=screenshots / f"explorer-{name}-{window}.png", full_page=True)


def test_nothing_moves_for_who_asks_for_no_motion(opened):
    page = opened(reduced_motion="reduce")
    moving = (
        "all => all.filter(e => getComputedStyle(e).transitionDuration !== '0s' || e.getAnimations().length).length"
    )
    assert page.locator(".attention-explorer *").evaluate_all(moving) == 0


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    (root / "lessons").mkdir()
    cells = [
        "from attention_lab import explore",
        "figure = explore()\nfigure",
        "print('python sees', figure.layer, figure.head, figure.mask, round(figure.weights[10, 2], 3))",
        "figure.head = 4",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, root / "lessons" / "01_intuition.ipynb")
    with pytest.MonkeyPatch.context() as patch:  # else the dark theme stays with whoever runs this test
        patch.setenv("JUPYTERLAB_SETTINGS_DIR", str(root / "settings"))
        patch.setenv("JUPYTERLAB_WORKSPACES_DIR", str(root / "workspaces"))
        yield from _notebook(browser, root)
    shutil.rmtree(root)


def _notebook(browser, root):
    with jupyterlab(root) as address:
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.add_locator_handler(
            page.locator(".jp-Dialog"), lambda: page.locator(".jp-Dialog .jp-mod-accept").first.click()
        )
        page.goto(address)
        page.locator(".jp-Notebook .jp-CodeCell").nth(3).wait_for(timeout=90_000)
        yield page
        page.close()


def run_cell(page, at):
    """Runs a cell until it has its number: before its kernel is there, JupyterLab may run none."""
    cell = page.locator(".jp-CodeCell").nth(at)
    for _ in range(10):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(500)
        page.wait_for_function("() => !document.body.innerText.includes('[*]:')", timeout=120_000)
        if re.search(r"\[\d+\]", cell.locator(".jp-InputPrompt").inner_text()):
            return
        page.wait_for_timeout(2_000)
    raise AssertionError(f"cell {at} does not run")


def test_in_jupyterlab_mouse_and_keyboard_reach_it_and_python_follows(lab, screenshots):
    run_cell(lab, 0)
    run_cell(lab, 1)
    lab.locator(".attention-explorer").wait_for(timeout=60_000)
    assert lab.locator(".jp-OutputArea-output img").count() == 0, "the still figure beside the live one"
    assert said(lab).startswith("it looks at animal 0.677")
    lab.screenshot(path=screenshots / "explorer-lab-light.png")
    cells = lab.locator(".jp-CodeCell").count()
    active = lab.locator(".jp-CodeCell.jp-mod-active")
    lab.get_by_role("radio", name="because").click()
    for key in ["ArrowDown", "a", "b", "x", "i"]:  # JupyterLab's own keys: next cell, insert, cut
        lab.keyboard.press(key)
    heard(lab, "it looks at animal 0.677")
    assert lab.locator(".jp-CodeCell").count() == cells
    assert "figure = explore()" in active.inner_text()
    lab.get_by_role("radio", name="causal").check(force=True)
    heard(lab, "it looks at animal 0.702")
    run_cell(lab, 2)
    assert "python sees 3 1 causal 0.702" in lab.locator(".jp-CodeCell").nth(2).inner_text()
    run_cell(lab, 3)
    lab.get_by_role("combobox", name="Head").and_(lab.locator("select")).first.wait_for()
    expected = shown_of(head=4, mask="causal").weights[10].max()
    heard(lab, f"{expected:.3f}")


def test_in_jupyterlab_it_is_dark_where_jupyterlab_is(lab, screenshots):
    lab.get_by_text("Settings", exact=True).first.click()
    lab.get_by_text("Theme", exact=True).first.hover()
    lab.get_by_text("JupyterLab Dark", exact=True).first.click()
    lab.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'", timeout=30_000)
    lab.wait_for_timeout(1_000)
    explorer = lab.locator(".attention-explorer").first
    assert explorer.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(20, 25, 31)"
    lab.screenshot(path=screenshots / "explorer-lab-dark.png")


def test_the_numbers_of_this_file_are_the_models():
    assert round(load_attention("tired")[5, 11, 10, 2], 3) == 0.673
