"""Show a verdict: as HTML in a notebook, as plain text in a terminal, and in both for a screen reader."""

import html
import re

from attention_lab.verdict import Verdict

STYLE = (
    "border:1px solid var(--jp-border-color1,#bbb);border-left:6px solid {colour};border-radius:4px;padding:.6em 1em;"
    "margin:.4em 0;max-width:46em;line-height:1.5;color:var(--jp-ui-font-color0,inherit);"
    "font-family:var(--jp-content-font-family,sans-serif);font-size:var(--jp-content-font-size1,14px)"
)
COLOURS = {"passed": "#2e7d32", "wrong": "#b35c00", "waiting": "#607d8b"}
CODE = "background:var(--jp-layout-color2,rgba(127,127,127,.15));padding:0 .25em;border-radius:3px;white-space:pre-wrap"


def verdict_text(verdict: Verdict) -> str:
    """The verdict as plain text: a headline, the parts, and the message."""
    lines = [_headline(verdict)]
    if verdict.started and not verdict.passed:
        lines += [f"  [{'x' if part.earned else ' '}] {part.name} ({part.points:g})" for part in verdict.parts]
    return "\n".join([*lines, verdict.message.replace("**", "")])


def verdict_html(verdict: Verdict) -> str:
    """The verdict as one self-contained element; everything that came from a learner's code is escaped."""
    state = "passed" if verdict.passed else "wrong" if verdict.started else "waiting"
    paragraphs = [f"<p style='margin:.3em 0'>{marked(text)}</p>" for text in verdict.message.split("\n")]
    body = (
        "".join(paragraphs)
        if verdict.started
        else "<p style='margin:.3em 0'>Write it above, run its cell, then run this one.</p>"
    )
    parts = _parts_html(verdict) if verdict.started and not verdict.passed else ""
    names = html.escape(" ".join(verdict.misconceptions), quote=True)
    headline = html.escape(_headline(verdict))
    return (
        f'<section role="group" aria-label="{headline}" data-exercise="{verdict.exercise}" '
        f'data-points="{verdict.points:g}" data-max-points="{verdict.max_points:g}" data-misconceptions="{names}" '
        f'style="{STYLE.format(colour=COLOURS[state])}">'
        f"<p style='margin:.2em 0'><strong>{headline}</strong></p>{parts}{body}</section>"
    )


def marked(text: str) -> str:
    """Escape a text and render its two marks, `code` and **bold**."""
    text = html.escape(text)
    text = re.sub(r"`([^`]+)`", rf'<code style="{CODE}">\1</code>', text)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)


def _headline(verdict: Verdict) -> str:
    if not verdict.started:
        return f"○ {verdict.exercise}: not started yet"
    points = f"{verdict.points:g} of {verdict.max_points:g} points"
    return f"✓ {verdict.exercise}: {points}" if verdict.passed else f"✗ {verdict.exercise}: {points}"


def _parts_html(verdict: Verdict) -> str:
    items = (
        f"<li>{'✓' if part.earned else '✗'} {html.escape(part.name)} "
        f"<small>({part.points if part.earned else 0:g} of {part.points:g})</small></li>"
        for part in verdict.parts
    )
    return (
        "<ul style='list-style:none;margin:.2em 0;padding:0;display:flex;flex-wrap:wrap;gap:0 1.4em' "
        f"aria-label='parts'>{''.join(items)}</ul>"
    )
