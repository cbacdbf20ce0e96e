"""The web site in a real browser: axe-core's rules, light and dark, wide and narrow; search; the explorer, alive.

Screenshots are kept for a person to look at.
"""

import io
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

import pytest
from rich.console import Console

from autograder.lesson import PROJECT
from autograder.site_command import build_site
from autograder.tests.chromium import NEEDS_CHROMIUM

pytestmark = NEEDS_CHROMIUM
LESSON = "lessons/01_intuition"
PAGES = ["index", LESSON, "instructors", "security", "reference/solutions", "reference/attention_lab", "search"]
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory, lessons):
    """Where the site with the first lesson is served, on this machine alone."""
    work = tmp_path_factory.mktemp("site")
    site = build_site(PROJECT, work / "site", Console(file=io.StringIO()), lessons[:1], cache=work / "cache")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    shutil.rmtree(work)


@pytest.fixture
def opened(browser, address):
    """Opens a page of the site; fails when it asks anybody else for anything, misses a file, or raises."""
    troubles, contexts = [], []

    def open_page(name, width=1280, scheme="light"):
        size = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith((address, "data:")) or troubles.append(asked.url))
        page.on("response", lambda answer: answer.status < 400 or troubles.append(f"{answer.status} {answer.url}"))
        page.goto(f"{address}/{name}", wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def violations(page) -> list[str]:
    """What axe-core finds against its rules, best practices included: the rule, and where it is broken."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({ preload: false })")  # else it asks for style sheets where they are not
    assert len(found["passes"]) > 20
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_breaks_no_rule_of_accessibility(opened, screenshots, name, scheme):
    page = opened(f"{name}.html", scheme=scheme)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    page.screenshot(path=screenshots / f"site-{name.replace('/', '-')}-{scheme}.png")
    assert violations(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_on_a_telephone(opened, screenshots, name):
    page = opened(f"{name}.html", width=390)
    page.screenshot(path=screenshots / f"site-{name.replace('/', '-')}-phone.png")
    assert not page.evaluate(TOO_WIDE)


def test_long_names_in_the_contents_beside_a_page_are_not_cut_off(opened):
    page = opened("reference/solutions.html")
    page.evaluate("document.querySelector('.page-toc code .pre').textContent = 'a_long_name_'.repeat(5)")
    ends = page.evaluate("[...document.querySelectorAll('.page-toc *')].map(e => e.getBoundingClientRect().right)")
    assert max(ends) <= 1280


def test_what_a_telephone_shows_breaks_no_rule_either(opened):
    assert violations(opened("index.html", width=390)) == []


def test_what_is_opened_breaks_no_rule_either(opened, screenshots):
    page = opened(f"{LESSON}.html", scheme="dark")
    page.evaluate("document.querySelectorAll('main details').forEach(folded => folded.open = true)")
    reference = page.locator("details", has_text="Show the reference: softmax").first
    reference.scroll_into_view_if_needed()
    assert reference.get_by_text("keepdims").first.is_visible()
    page.screenshot(path=screenshots / "site-reference-open-dark.png")
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_of_outputs_can_be_told_from_what_is_behind_it(opened, screenshots, scheme):
    """axe leaves open what lies on a figure's frame; here every card must stand on the page's own ground."""
    page = opened(f"{LESSON}.html", scheme=scheme)
    card = page.locator("section[data-exercise=softmax]").first
    card.scroll_into_view_if_needed()
    page.screenshot(path=screenshots / f"site-card-{scheme}.png")
    clear = "e => [...function*() { for (; e; e = e.parentElement) yield getComputedStyle(e).backgroundColor }()]"
    grounds = [colour for colour in card.evaluate(clear) if colour != "rgba(0, 0, 0, 0)"]
    page_ground = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    assert set(grounds) <= {page_ground, page.locator("html").evaluate("e => getComputedStyle(e).backgroundColor")}


def test_the_explorer_answers_without_a_kernel(opened, screenshots):
    page = opened("index.html")
    explorer = page.locator(".attention-explorer")
    explorer.wait_for()
    assert "animal 0.677" in explorer.inner_text()
    explorer.get_by_role("radio", name="causal").check(force=True)
    page.wait_for_function("() => document.querySelector('.attention-explorer').innerText.includes('animal 0.702')")
    page.screenshot(path=screenshots / "site-explorer.png")


def test_search_finds_a_function_and_a_lesson(opened, screenshots):
    page = opened("search.html?q=softmax")
    page.locator("#search-results li").first.wait_for()
    results = page.locator("#search-results").inner_text()
    assert "softmax" in results and "1 · Intuition" in results
    page.screenshot(path=screenshots / "site-search.png")
    assert violations(page) == []


def test_what_must_be_scrolled_sideways_can_be_reached_by_keyboard(opened):
    page = opened(f"{LESSON}.html", width=390)
    page.wait_for_timeout(300)
    wide = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0).length"
    assert page.locator("main pre").count() > 20
    assert page.locator("main pre, main .formula").evaluate_all(wide) == 0


def test_a_rule_that_is_broken_would_be_seen(opened):
    page = opened("index.html")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"_static/icon.svg\">')")
    assert [line.split(":")[0] for line in violations(page)] == ["image-alt"]
