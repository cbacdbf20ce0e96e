"""Verdicts as plain JSON in the metadata of a graded notebook, so that a report needs no grading anew.

Only grading writes there, after the graft: nothing of a submission's own metadata reaches a graded notebook.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from attention_lab.verdict import Part, Verdict


def as_plain(verdicts: Iterable[Verdict]) -> list[dict]:
    """Verdicts as lists, dicts, texts, numbers and booleans."""
    return json.loads(json.dumps([asdict(verdict) for verdict in verdicts]))


def kept_in(graded: Path) -> tuple[dict[str, Verdict], tuple[str, ...]]:
    """The verdicts in a graded notebook by exercise, and what was said of it as a whole; nothing where nothing is."""
    try:
        about = json.loads(graded.read_bytes())["metadata"]["attention_lab"]
        verdicts = (_verdict(plain) for plain in about["verdicts"])
        return {verdict.exercise: verdict for verdict in verdicts}, tuple(map(str, about["remarks"]))
    except (OSError, ValueError, LookupError, TypeError):
        return {}, ()


def _verdict(plain: Mapping) -> Verdict:
    parts = tuple(Part(str(part["name"]), float(part["points"]), bool(part["earned"])) for part in plain["parts"])
    texts = {name: str(plain[name]) for name in ("exercise", "seen", "matches", "look_at")}
    named = tuple(map(str, plain["misconceptions"]))
    return Verdict(parts=parts, misconceptions=named, started=bool(plain["started"]), **texts)
