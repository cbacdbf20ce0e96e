"""The pages of the site that are computed: what the landing page shows, and the references."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from autograder.lesson import Lesson
from autograder.site_lessons import title_and_question

PAGES = Path(__file__).parent / "site"
INCLUDED = {"CONTRIBUTING.md": "contributing.md", "autograder/SECURITY.md": "security.md"}
LICENCES = ("LICENSE", "LICENSE-lessons", "data/LICENSE")
SHOWN = "softmax"
WRONG = """def softmax(scores, axis=-1):
    e = np.exp(scores - scores.max())
    return e / e.sum()"""
WHOLE_MODULES = ("attention_lab.sentences",)  # whose classes learners meet too


def write_pages(folder: Path, lessons: list[Lesson], exercises: Mapping, root: Path) -> None:
    """Everything but the lessons themselves, into `folder`."""
    shutil.copytree(PAGES, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    parts, reference = folder / "parts", folder / "reference"
    parts.mkdir()
    reference.mkdir()
    for source, page in INCLUDED.items():
        shutil.copy(root / source, folder / page)
    for licence in LICENCES:
        shutil.copy(root / licence, parts / licence.replace("/", "-"))
    written = {
        parts / "lessons.md": lesson_table(lessons, exercises),
        parts / "wrong.md": f"```python\n{WRONG}\n```\n",
        parts / "card.html": card(),
        parts / "explorer.html": explorer(),
        reference / "solutions.rst": solutions_reference(lessons),
        reference / "attention_lab.rst": attention_lab_reference(),
    }
    for path, text in written.items():
        path.write_text(text, encoding="utf-8", newline="\n")


def lesson_table(lessons: list[Lesson], exercises: Mapping) -> str:
    """The lessons as a Markdown table: title, question, points."""
    rows = ["| lesson | question | points |", "|---|---|---|"]
    for lesson in lessons:
        title, question = title_and_question(lesson)
        points = sum(exercises[name].points for name in lesson.exercises)
        rows.append(f"| [{title}](lessons/{lesson.stem}.ipynb) | {question} | {points:g} |")
    return "\n".join(rows) + "\n"


def card() -> str:
    """What a learner is shown for the answer WRONG: judged here and now."""
    import numpy as np
    from attention_lab.check import published_sheet
    from attention_lab.feedback import verdict_html
    from attention_lab.judge import judge

    names = {"np": np}
    exec(WRONG, names)  # our own three lines, above
    return verdict_html(judge(published_sheet(SHOWN), names[SHOWN]))


def explorer() -> str:
    """The explorer on the course's own sentence, alive without a kernel."""
    from attention_lab import explorer_page

    return explorer_page("tired")


def solutions_reference(lessons: list[Lesson]) -> str:
    """One section for each module of `solutions`, in the order of the lessons."""
    text = _heading("solutions", "=") + _directive("automodule", "solutions")
    for lesson in lessons:
        module = f"solutions.{lesson.stem.partition('_')[2]}"
        text += _heading(module, "-") + _directive("automodule", module, "members")
    return text


def attention_lab_reference() -> str:
    """One section for each module of `attention_lab` that lessons import from, with the names they import."""
    from attention_lab import HOMES

    text = _heading("attention_lab", "=") + _directive("automodule", "attention_lab")
    for module, names in {"attention_lab.check": ("check",), **HOMES}.items():
        text += _heading(module, "-")
        if module in WHOLE_MODULES:
            text += _directive("automodule", module, "members")
            continue
        text += _directive("automodule", module, "no-index")  # a function may have the name of its module
        text += "".join(_directive("autofunction", f"attention_lab.{name}") for name in names)
    return text


def _heading(text: str, underline: str) -> str:
    return f"{text}\n{underline * len(text)}\n\n"


def _directive(name: str, argument: str, *options: str) -> str:
    return "\n".join([f".. {name}:: {argument}", *(f"   :{option}:" for option in options), "", ""])
