"""Files that are no notebooks. Each must end in a grade of 0 with a sentence, and stop nobody else."""

import gzip
import json
import pickle

from autograder.tests.attacks.attack import RIGHT, WORTHLESS, Attack, answered, as_bytes

FAMILY = "broken files"


def _file(id: str, aim: str, content: bytes) -> Attack:
    return Attack(f"file-{id}", FAMILY, aim, lambda pristine, secrets: content, judged=False)


def _made(id: str, aim: str, make, **more) -> Attack:
    """A file made from a notebook with a worthless softmax."""
    return Attack(
        f"file-{id}", FAMILY, aim, lambda pristine, secrets: make(answered(pristine, {"softmax": WORTHLESS})), **more
    )


def _changed(id: str, aim: str, **fields) -> Attack:
    return _made(id, aim, lambda notebook: json.dumps({**notebook, **fields}).encode(), judged=False)


ATTACKS: tuple[Attack, ...] = (
    _file("empty", "nothing at all", b""),
    _file("blank", "white space", b" \n\t" * 1000),
    _file("text", "an essay", "Dear grader, my dog ate my notebook. ✓ softmax: 4 of 4 points".encode()),
    _file("binary", "random bytes, NULs first", b"\0\xff\xfe" * 5000),
    _file("pickle", "a pickle that would run a command", pickle.dumps(print)),
    _file("list", "JSON, but a list", b"[1, 2, 3]"),
    _file("number", "JSON, but a number of a hundred thousand digits", b"9" * 100_000),
    _file("deep", "JSON a million levels deep", b'{"cells":' * 1_000_000),
    _file(
        "deep-list",
        "cells within cells within cells",
        b'{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":' + b"[" * 200_000,
    ),
    _file("huge", "a notebook of 120 megabytes", b'{"cells": [], "metadata": {"x": "' + b"x" * 120_000_000 + b'"}}'),
    _made("truncated", "half of a notebook", lambda notebook: as_bytes(notebook)[:-500], judged=False),
    _made("utf16", "a notebook in UTF-16", lambda notebook: json.dumps(notebook).encode("utf-16")),
    _made("gzip", "a compressed notebook", lambda notebook: gzip.compress(as_bytes(notebook)), judged=False),
    _made(
        "twice",
        "every key twice, the second time with other cells",
        lambda notebook: as_bytes(notebook)[:-1] + b', "cells": [], "metadata": []}',
    ),
    _changed("no-cells", "a notebook without cells", cells=[]),
    _changed("cells-number", "cells that are a number", cells=4),
    _changed("cells-null", "cells that are nothing", cells=[None, 1, "x", [], {}]),
    _changed("metadata", "metadata that is a text", metadata="4.0"),
    _changed("format-3", "a notebook of format 3", nbformat=3, nbformat_minor=0, worksheets=[{"cells": []}], cells=[]),
    _changed("format-99", "a notebook of a format to come", nbformat=99),
    _changed("format-text", "a format that is a text", nbformat="four", nbformat_minor={}),
    Attack(
        "file-right",
        FAMILY,
        "a right answer with a byte-order mark and Windows line ends, which must count",
        lambda pristine, secrets: (
            b"\xef\xbb\xbf" + as_bytes(answered(pristine, {"softmax": RIGHT.replace("\n", "\r\n")}))
        ),
        earns={"softmax": 4.0},
    ),
)
