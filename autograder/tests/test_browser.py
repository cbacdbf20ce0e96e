"""A learner at work: lesson 1 in JupyterLab, in a real browser. Screenshots are kept for a person to look at."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from autograder.lesson import PROJECT
from autograder.tests.chromium import NEEDS_CHROMIUM, started

pytestmark = NEEDS_CHROMIUM
HEADER = "def softmax(scores, axis=-1):\n"
WRONG = {
    "softmax-over-everything": "    e = np.exp(scores - scores.max())\n    return e / e.sum()",
    "softmax-unstable": "    e = np.exp(scores)\n    return e / e.sum(axis=axis, keepdims=True)",
    "softmax-ignores-axis": (
        "    e = np.exp(scores - scores.max(axis=-1, keepdims=True))\n    return e / e.sum(axis=-1, keepdims=True)"
    ),
}
RIGHT = "    e = np.exp(scores - np.max(scores, axis, keepdims=True))\n    return e / np.sum(e, axis, keepdims=True)"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def jupyterlab(root: Path):
    """What `course lab` starts, on the project at `root`; yields the address of the first lesson."""
    port = free_port()
    options = ["--no-browser", f"--port={port}", "--IdentityProvider.token=secret"]
    start = f"from autograder.lab import open_lab; from pathlib import Path; open_lab({options}, Path({str(root)!r}))"
    command = [sys.executable, "-c", start]
    environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(root / "runtime")}
    server = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/api/status?token=secret", timeout=2)
                break
            except OSError:
                assert server.poll() is None, server.stderr.read().decode()
                time.sleep(0.5)
        yield f"{address}/doc/tree/01_intuition.ipynb?token=secret"
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    (root / "lessons").mkdir()
    shutil.copy(PROJECT / "lessons" / "01_intuition.ipynb", root / "lessons")
    with jupyterlab(root) as address, started() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        page.add_locator_handler(  # a slow server makes JupyterLab ask for the kernel
            page.locator(".jp-Dialog"), lambda: page.locator(".jp-Dialog .jp-mod-accept").first.click()
        )
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
        yield page


def cell_with(page, text: str):
    """The code cell whose source holds `text`, scrolled into view (JupyterLab draws only what is near)."""
    scroll = "y => document.querySelector('.jp-WindowedPanel-outer').scroll"
    page.evaluate(f"{scroll}To(0, 0)", 0)
    for _ in range(80):
        page.wait_for_timeout(200)
        cells = page.locator(".jp-CodeCell").filter(has_text=text)
        if cells.count():
            cells.first.scroll_into_view_if_needed()
            return cells.first
        page.evaluate(f"{scroll}By(0, y)", 500)
    raise AssertionError(f"no cell with {text!r}")


def run(page, cell) -> None:
    """Run one cell, and wait until it has its number."""
    cell.locator(".cm-content").first.click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => !document.body.innerText.includes('[*]:')", timeout=120_000)


def write(page, cell, source: str) -> None:
    cell.locator(".cm-content").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)


def answer(page, body: str):
    """Put `body` into the exercise, run it and its check; → the verdict's card."""
    exercise = cell_with(page, "def softmax(")
    write(page, exercise, HEADER + body)
    run(page, exercise)
    check = cell_with(page, "check(softmax)")
    run(page, check)
    card = check.locator("section[data-exercise=softmax]")
    card.wait_for(timeout=120_000)
    return card


def test_a_learner_is_told_each_mistake_by_its_name_and_then_succeeds(page, screenshots):
    run(page, cell_with(page, "import numpy as np"))
    for name, body in WRONG.items():
        card = answer(page, body)
        assert card.get_attribute("data-misconceptions") == name
        assert "matches" in card.inner_text()
        page.screenshot(path=screenshots / f"{name}.png")
    card = answer(page, RIGHT)
    assert card.get_attribute("data-points") == "4"
    assert card.get_attribute("data-misconceptions") == ""
    page.screenshot(path=screenshots / "softmax-right.png")


def test_what_a_figure_shows_is_said_in_words_for_who_cannot_see_it(page, screenshots):
    cell = cell_with(page, 'tired = load_sentence("tired")')
    run(page, cell)
    figure = cell.locator("figure img")
    figure.wait_for(timeout=120_000)
    assert '"animal" 0.677' in figure.get_attribute("alt")
    page.screenshot(path=screenshots / "first-figure.png")


def test_a_cell_that_needs_an_unwritten_exercise_waits_instead_of_failing(page):
    exercise = cell_with(page, "def attend(")
    run(page, exercise)
    cell = cell_with(page, "def look_up(")
    run(page, cell)
    note = cell.locator("section[role=note]")
    note.wait_for(timeout=120_000)
    assert "waits for" in note.inner_text() or "needs" in note.inner_text()
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
