"""What a graded notebook shows of a verdict: one plain number for nbgrader, and a report for people.

Everything that could come from a learner is escaped; nothing here knows a right answer.
"""

import math
from collections.abc import Sequence

import nbformat
from attention_lab.feedback import marked, verdict_html
from attention_lab.verdict import Verdict
from nbformat.notebooknode import NotebookNode

NO_FORMULAS = "tex2jax_ignore mathjax_ignore"  # a page with MathJax would make links of a learner's \\href
WITHOUT_A_JAIL = "**Graded without a jail** (`--unsafe-no-jail`): what was handed in could have changed this grade."
NOT_OURS = "No exercise of the course is checked here, so nothing was given. A person can grade it by hand."


def report_output(verdict: Verdict | None, points: float, sentences: Sequence[str], unsafe: bool) -> NotebookNode:
    """The one output of a grade cell that is worth `points`; `sentences` go above the verdict."""
    said = [WITHOUT_A_JAIL] * unsafe + list(sentences) + ([] if verdict else [NOT_OURS])
    paragraphs = "".join(f"<p style='margin:.3em 0'>{marked(sentence)}</p>" for sentence in said)
    return nbformat.v4.new_output(
        "execute_result",
        data={
            "text/plain": str(_earned(verdict, float(points))),
            "text/html": f'<div class="{NO_FORMULAS}">{paragraphs}{verdict_html(verdict) if verdict else ""}</div>',
        },
    )


def note_cell(remarks: Sequence[str], unsafe: bool) -> NotebookNode:
    """What there is to say of a submission as a whole, to stand on top of it."""
    said = [WITHOUT_A_JAIL] * unsafe + list(remarks)
    items = "".join(f"<li>{marked(sentence)}</li>" for sentence in said)
    label = 'role="note" aria-label="From grading"'
    text = f'<section class="{NO_FORMULAS}" {label}><strong>From grading</strong><ul>{items}</ul></section>'
    return nbformat.v4.new_markdown_cell(text.replace("\n", " "), id="from-grading")


def _earned(verdict: Verdict | None, points: float) -> float:
    """The verdict's share of what the cell is worth: whoever teaches may have weighed it anew."""
    if verdict is None:
        return 0.0
    if verdict.max_points == points:
        return verdict.points
    share = verdict.points / verdict.max_points
    return min(points, round(points * share, 6)) if math.isfinite(share) else 0.0
