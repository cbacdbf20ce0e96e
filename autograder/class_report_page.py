"""Lays a report out as one page that needs no network and no script. Every text is escaped, whoever wrote it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean, median
from urllib.parse import quote

from attention_lab.feedback import marked
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from autograder.class_report import failed_exercises, made_together, mistakes_in, most_frequent, unnamed_in
from autograder.class_report_plots import apart, distribution, time_line
from autograder.class_results import Exercise, LessonResults

TEMPLATE = "class_report_page.html.j2"


@dataclass(frozen=True)
class Shown:
    """A lesson as it stands in the page: its results, what was scored, and plots as (caption, (SVG, words))."""

    results: LessonResults
    plots: tuple[tuple[str, tuple[str, str]], ...]

    @property
    def anchor(self) -> str:
        return "lesson-" + re.sub(r"\W+", "-", self.results.name)

    @property
    def scores(self) -> list[float]:
        return [handed.score for handed in self.results.handed]

    @property
    def mean(self) -> float:
        return fmean(self.scores)

    @property
    def median(self) -> float:
        return median(self.scores)

    @property
    def share(self) -> float:
        return self.mean / (self.results.due.max_score or 1)

    @property
    def has_times(self) -> bool:
        return any(handed.when for handed in self.results.handed)

    @property
    def penalised(self) -> int:
        return sum(handed.penalty > 0 for handed in self.results.handed)

    def score_of(self, learner: str) -> str:
        return next((f"{handed.score:g}" for handed in self.results.handed if handed.learner == learner), "–")


def page(
    title: str,
    lessons: Sequence[LessonResults],
    lesson_pages: Mapping[str, str],
    now: datetime,
    with_names: bool = False,
) -> str:
    """The report as HTML. `lesson_pages` says where each lesson can be read, as seen from the page."""
    shown = [Shown(lesson, _plots(lesson, 2 * n)) for n, lesson in enumerate(lessons)]
    learners = lessons[0].enrolled
    called = {learner.id: learner.name or learner.id for learner in learners}

    def link(lesson: LessonResults, exercise: Exercise) -> str:
        if lesson.name not in lesson_pages or not exercise.heading:
            return ""
        return f"{quote(lesson_pages[lesson.name])}#{anchor(exercise.heading)}"

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "marked": marked,
        "paragraphs": lambda text: "".join(f"<p>{marked(line)}</p>" for line in text.split("\n")),
        "called": lambda learner: called.get(learner, learner),
    }
    return environment.get_template(TEMPLATE).render(
        title=title,
        made=f"Made on {now:%Y-%m-%d at %H:%M} from the gradebook and the graded notebooks.",
        lessons=shown,
        failed=failed_exercises(lessons),
        together=made_together(lessons),
        mistakes_in=lambda lesson, exercise: mistakes_in(lesson, exercise, with_names),
        most_frequent=most_frequent,
        unnamed_in=lambda exercise: unnamed_in(exercise, with_names),
        link=link,
        names=with_names,
        learners=learners,
    )


def anchor(heading: str) -> str:
    """The id that nbconvert gives a heading."""
    return quote(heading.replace("`", "").replace(" ", "-"), safe="?/:@!$&'()*+,;=")


def _plots(lesson: LessonResults, number: int) -> tuple:
    svg, words = distribution([handed.score for handed in lesson.handed], lesson.due.max_score)
    found = [("How many learners have how many points", (apart(svg, number), words))]
    times = [handed.when for handed in lesson.handed if handed.when]
    if times:
        svg, words = time_line(times, lesson.due.when, len(lesson.handed))
        found.append(("How many had handed in by when", (apart(svg, number + 1), words)))
    return tuple(found)
