"""Attacks by the order, the number and the kind of cells."""

from copy import deepcopy

import nbformat

from autograder.tests.attacks.attack import RIGHT, RIGHT_EARNS, Attack, edited, solution

FAMILY = "cells"


def _place(notebook, name: str) -> int:
    return notebook.cells.index(solution(notebook, name))


def _duplicated(notebook) -> None:
    for name in ("softmax", "check-softmax"):
        copy = deepcopy(solution(notebook, name))
        copy.source = "4.0" if name.startswith("check") else copy.source
        notebook.cells += [copy, deepcopy(copy)]


def _deleted(notebook) -> None:
    notebook.cells = [cell for cell in notebook.cells if "nbgrader" not in cell.metadata]


def _grade_deleted(notebook) -> None:
    notebook.cells.remove(solution(notebook, "check-softmax"))


def _reordered(notebook) -> None:
    notebook.cells.reverse()


def _retyped(notebook) -> None:
    for name, kind in (("softmax", "markdown"), ("check-softmax", "raw"), ("check-blend", "markdown")):
        cell = solution(notebook, name)
        cell["cell_type"] = kind
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


def _invented(notebook) -> None:
    solution(notebook, "check-softmax")["cell_type"] = "exploit"
    notebook.cells.insert(0, {"cell_type": None, "metadata": {}, "source": "x"})


def _grade_replaced(notebook) -> None:
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.source = "4.0"


def _between(notebook) -> None:
    place = _place(notebook, "check-softmax")
    notebook.cells.insert(place, nbformat.v4.new_code_cell("check = lambda function: 4.0"))
    notebook.cells.insert(place + 2, nbformat.v4.new_code_cell("4.0"))


def _many(notebook) -> None:
    notebook.cells += [nbformat.v4.new_code_cell("1") for _ in range(20_000)]


def _vast(notebook) -> None:
    solution(notebook, "blend").source = "x = " + "(" * 100_000 + "1" + ")" * 100_000
    notebook.cells.append(nbformat.v4.new_code_cell("# " + "x" * 5_000_000))


def _sources(notebook) -> None:
    solution(notebook, "softmax").source = [line + "\n" for line in RIGHT.split("\n")]
    solution(notebook, "blend").source = {"a": 1}
    solution(notebook, "attend").source = [1, None, "x"]
    solution(notebook, "diagnose_suspects").source = "\0\ud800\x1b[2J# -*- coding: rot13 -*-"


ATTACKS: tuple[Attack, ...] = (
    edited(
        "cells-duplicated",
        FAMILY,
        "an answer and its grade cell twice more: stock nbgrader stops the whole class",
        _duplicated,
        answers={"softmax": RIGHT},
        earns=RIGHT_EARNS,
    ),
    edited("cells-deleted", FAMILY, "all graded cells and answers deleted", _deleted),
    edited("cells-grade-deleted", FAMILY, "one grade cell deleted: stock nbgrader leaves no grade", _grade_deleted),
    edited(
        "cells-reordered", FAMILY, "the notebook backwards", _reordered, answers={"softmax": RIGHT}, earns=RIGHT_EARNS
    ),
    edited("cells-retyped", FAMILY, "answers and grade cells turned to Markdown and raw", _retyped),
    edited("cells-invented", FAMILY, "kinds of cells that do not exist", _invented),
    edited("cells-grade-replaced", FAMILY, "every grade cell's source replaced by 4.0", _grade_replaced),
    edited("cells-between", FAMILY, "cells of one's own right before and after the grade cell", _between),
    edited("cells-many", FAMILY, "twenty thousand cells", _many, judged=False),
    edited("cells-vast", FAMILY, "a cell that no parser survives, and one of five megabytes", _vast),
    edited(
        "cells-sources",
        FAMILY,
        "sources that are lists, objects, control characters or half a character",
        _sources,
        earns=RIGHT_EARNS,
    ),
)
