"""The web site: built without a network and without a warning, whole, and telling where a lesson fails."""

import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from rich.console import Console

from autograder.jail import why_no_jail
from autograder.lesson import CODE, EXERCISE, GRADE, PROJECT, PROSE, Cell, Lesson
from autograder.problem import Problem
from autograder.site.plain_docstrings import as_rst, escaped
from autograder.site_command import build_site, run_sphinx
from autograder.site_lessons import executed

PREDICTION = Cell(
    CODE,
    "from attention_lab import explore, predict, reveal\n\n"
    "guess = predict('How much is one half?', None, low=0, high=1)\nguess",
)
REVELATION = Cell(CODE, "reveal(guess, 0.5, note='of one')")
FORMULA = r"$$w_j = \Big(\frac{e^{s_j}}{\sum_m e^{s_m}}\Big) \quad j = 1, \dots, n$$"
FOUR = Cell(PROSE, f"# 1 · Four things\n\n**What is a page made of?**\n\n{FORMULA}")


def short(lessons) -> Lesson:
    """A lesson with one thing of each kind: a formula, a guess, an explorer, an exercise with its check."""
    exercise = [cell for cell in lessons[0].cells if cell.kind in (EXERCISE, GRADE) and cell.names == ("softmax",)]
    opening = Cell(CODE, "import numpy as np\nfrom attention_lab import check")
    more = [PREDICTION, REVELATION, Cell(CODE, "explore('tired')")]
    return Lesson("01_intuition", (FOUR, opening, *more, *exercise))


@dataclass
class Page(HTMLParser):
    """What a page asks for by itself, where it leads, and the names that can be led to."""

    asked: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    maths: int = 0

    def __post_init__(self):
        super().__init__()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.maths += tag == "math"
        self.names |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a":
            self.links += [given["href"]] * ("href" in given)
        elif tag == "link" and given.get("rel") in ("canonical", "next", "prev", "index", "search", "genindex"):
            self.links.append(given["href"])
        else:
            self.asked += [given[name] for name in ("src", "href", "data", "poster") if given.get(name)]


def pages(site: Path) -> Iterator[tuple[Path, Page]]:
    for path in sorted(site.rglob("*.html")):
        page = Page()
        page.feed(path.read_text(encoding="utf-8"))
        yield path, page


def asked_of_others(site: Path) -> list[str]:
    """Every script, style, font, frame or image that a page or a style sheet takes from elsewhere."""
    found = []
    for path, page in pages(site):
        found += [f"{path.name}: {url}" for url in page.asked if urlsplit(url).scheme not in ("", "data")]
        found += [f"{path.name}: {url}" for url in page.asked if url.startswith("//")]
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8").replace(" ", "").replace('"', "").replace("'", "")
        found += [f"{path.name}: {sign}" for sign in ("url(http", "url(//", "@importhttp") if sign in text]
    return found


def broken_links(site: Path) -> list[str]:
    """Every link or file within the site that leads to nothing, anchors included."""
    read = dict(pages(site))
    broken = []
    for path, page in read.items():
        for link in [*page.links, *page.asked]:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            names = read[target].names if target in read else {unquote(address.fragment)}
            if not target.is_file() or (address.fragment and unquote(address.fragment) not in names):
                broken.append(f"{path.relative_to(site)}: {link}")
    return broken


@pytest.fixture(scope="module")
def console():
    return Console(file=io.StringIO())


@pytest.fixture(scope="module")
def site(tmp_path_factory, lessons, console):
    """A site with one short lesson."""
    work = tmp_path_factory.mktemp("built")
    return build_site(PROJECT, work / "site", console, [short(lessons)], cache=work / "cache")


@pytest.fixture(scope="module")
def lesson_page(site):
    return (site / "lessons" / "01_intuition.html").read_text(encoding="utf-8")


def test_no_page_asks_anybody_else_for_anything(site):
    assert len(dict(pages(site))) > 8
    assert asked_of_others(site) == []


def test_what_a_page_asks_of_others_would_be_seen(tmp_path):
    (tmp_path / "a.html").write_text(
        '<script src="https://elsewhere.example/x.js"></script><img src="//there.example/y">'
    )
    (tmp_path / "a.css").write_text("@font-face { src: url('https://elsewhere.example/f.woff2') }")
    assert len(asked_of_others(tmp_path)) == 3


def test_every_link_within_the_site_leads_somewhere(site):
    assert broken_links(site) == []


def test_a_link_to_nothing_would_be_seen(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html">b</a> <a href="#nowhere">c</a> <a id="here" href="#here">d</a>')
    assert broken_links(tmp_path) == ["a.html: b.html", "a.html: #nowhere"]


def test_the_reference_is_folded_under_what_a_learner_is_given(lesson_page):
    given, _, rest = lesson_page.partition("YOUR CODE HERE")
    fold, _, after = rest.partition("</details>")
    assert "def</span>" in given and "keepdims" not in given.split("YOUR")[-1]
    assert "<details" in fold and "Show the reference: softmax" in fold and "keepdims" in fold
    assert 'data-points="4"' in after


def test_the_truth_waits_until_the_reader_has_guessed(lesson_page):
    assert "How much is one half?" in lesson_page
    hidden = lesson_page.split('<details class="guess-first"')[1].split("</details>")[0]
    assert "Measured: <strong>0.5</strong>" in hidden and "of one" in hidden
    assert "in place of None and run" not in lesson_page and "Guess first. Put" not in lesson_page


def test_the_explorer_lives_on_the_page_without_a_kernel(site, lesson_page):
    for text in (lesson_page, (site / "index.html").read_text(encoding="utf-8")):
        assert 'class="attention-explorer-page"' in text and "explorer.onPage()" in text
        assert "application/vnd.jupyter.widget" not in text


def test_formulas_are_mathml_and_nothing_is_left_of_their_source(site, lesson_page):
    page = dict(pages(site))[site / "lessons" / "01_intuition.html"]
    assert page.maths == 1 and "<mfrac>" in lesson_page and "\\frac" not in lesson_page


def test_every_function_of_the_references_is_described_with_its_shapes(site):
    solutions = (site / "reference" / "solutions.html").read_text(encoding="utf-8")
    for name in ("softmax", "blend", "attend", "plain_self_attention"):
        assert f'id="solutions.intuition.{name}"' in solutions
    assert "→ output (…, n_q, d_v)" in solutions or "→ output (..., n_q, d_v)" in solutions
    lab = (site / "reference" / "attention_lab.html").read_text(encoding="utf-8")
    for name in ("check", "predict", "reveal", "explore", "plot_attention", "load_sentence"):
        assert f".{name}" in lab
    assert str(PROJECT) not in solutions + lab


def test_the_first_page_shows_a_mistake_by_its_name(site):
    text = (site / "index.html").read_text(encoding="utf-8")
    assert 'data-misconceptions="softmax-over-everything"' in text
    assert 'href="lessons/01_intuition.html"' in text


def test_every_page_of_the_project_is_there(site):
    for name, words in {
        "instructors": "What was tried, and where",
        "security": "attacks succeeded",
        "contributing": "Add a mistake",
        "licence": "Apache License",
    }.items():
        assert words in (site / f"{name}.html").read_text(encoding="utf-8")


def test_a_lesson_that_did_not_change_is_not_run_again(lessons, tmp_path, exercises, monkeypatch):
    lesson = Lesson("01_intuition", (FOUR, Cell(CODE, "print(7)")))
    first = executed(lesson, exercises, PROJECT, tmp_path)
    monkeypatch.setattr("autograder.notebooks.execute", lambda *arguments, **named: pytest.fail("it was run again"))
    assert executed(lesson, exercises, PROJECT, tmp_path) == first
    with pytest.raises(pytest.fail.Exception):
        executed(replace(lesson, cells=(FOUR, Cell(CODE, "print(11)"))), exercises, PROJECT, tmp_path)


def test_a_lesson_that_fails_is_named_with_its_cell_and_the_old_site_stays(tmp_path, console):
    broken = Lesson("01_intuition", (FOUR, Cell(CODE, "print(7)"), Cell(CODE, "one_by_zero = 1 / 0")))
    (tmp_path / "objects.inv").touch()
    (tmp_path / "index.html").write_text("the old site")
    with pytest.raises(Problem, match=r"01_intuition\.md: .*one_by_zero = 1 / 0"):
        build_site(PROJECT, tmp_path, console, [broken], cache=tmp_path / "cache")
    assert (tmp_path / "index.html").read_text() == "the old site"


def test_a_warning_stops_the_build_and_is_told_without_the_folder_it_was_made_in(tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "conf.py").write_text("extensions = ['myst_nb']\n")
    (tmp_path / "pages" / "index.md").write_text("# Page\n\n[nowhere](nothing.md)\n")
    with pytest.raises(Problem, match="(?s)Sphinx says:\nindex.md.*nothing.md"):
        run_sphinx(tmp_path / "pages", tmp_path / "html")


def test_a_formula_that_cannot_be_shown_stops_the_build(tmp_path):
    (tmp_path / "pages").mkdir()
    settings = "extensions = ['myst_nb', 'autograder.site.mathml']\nhtml_math_renderer = 'mathml'\n"
    (tmp_path / "pages" / "conf.py").write_text(settings + "myst_enable_extensions = ['dollarmath']\n")
    (tmp_path / "pages" / "index.md").write_text("# Page\n\n$$\\nosuchthing{x}$$\n")
    with pytest.raises(Problem, match="cannot become MathML"):
        run_sphinx(tmp_path / "pages", tmp_path / "html")


@pytest.mark.parametrize("where", ["project", "full", "file"])
def test_a_site_is_never_written_over_anything_else(tmp_path, console, where):
    (tmp_path / "mine.txt").write_text("mine")
    to = {"project": PROJECT, "full": tmp_path, "file": tmp_path / "mine.txt"}[where]
    with pytest.raises(Problem):
        build_site(PROJECT, to, console, [])
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_docstrings_are_shown_as_they_are_written():
    made = as_rst(["Σ_j w_ij v_j: *all* of `x_`s.", "", "x (n,)", "→ y (n, d_)", "", "    code(*x)", ""])
    assert made == ["Σ\\_j w\\_ij v\\_j: \\*all\\* of ``x_``\\ s.", ""] + ["| x (n,)", "| → y (n, d\\_)", ""] + [
        "::",
        "",
        "       code(*x)",
        "",
    ]
    assert escaped("a|b <c>") == "a\\|b \\<c\\>"


@pytest.mark.slow
def test_course_site_builds_the_whole_site_without_a_network(tmp_path):
    command = [sys.executable, "-c", "from autograder.command import app; app()", "site", "--to", tmp_path / "site"]
    if why_no_jail() is None:  # then bubblewrap works, and can take the network away
        command = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", *command]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str(tmp_path / "site" / "index.html")
    lessons = {path.stem for path in (PROJECT / "lessons" / "source").glob("[0-9]*.md")}
    assert {path.stem for path in (tmp_path / "site" / "lessons").glob("*.html")} == lessons
    assert asked_of_others(tmp_path / "site") == []
    assert broken_links(tmp_path / "site") == []
