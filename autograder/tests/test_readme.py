"""What README and site say of the lessons is what the lessons say."""

import re

import pytest

from autograder.lesson import PROJECT

TENS = {8: "eight", 9: "nine", 10: "ten"}


def minutes():
    found = (
        re.search(r"\*About (\d+) minutes", path.read_text()) for path in (PROJECT / "lessons/source").glob("0*.md")
    )
    return [int(match[1]) for match in found]


@pytest.mark.parametrize("page", ["README.md", "autograder/site/index.md"])
def test_the_hours_are_those_that_the_lessons_name(page):
    hours = round(sum(minutes()) / 30) / 2
    words = TENS[int(hours)] + (" and a half" if hours % 1 else "")
    assert f"about {words} hours" in " ".join((PROJECT / page).read_text().split())


def test_exercises_and_points_are_those_of_the_lessons(lessons, exercises):
    readme = (PROJECT / "README.md").read_text()
    points = [sum(exercises[name].points for name in lesson.exercises) for lesson in lessons]
    count = sum(len(lesson.exercises) for lesson in lessons)
    assert f"Six lessons, {count} graded exercises, {sum(points):g} points" in readme
    rows = [line for line in readme.splitlines() if re.match(r"\| \[\d · ", line)]
    assert [row.rsplit("|", 2)[1].strip() for row in rows] == [f"{each:g}" for each in points]
