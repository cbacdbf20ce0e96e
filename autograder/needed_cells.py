"""Finds the cells of a lesson that no answer needs: its experiments and figures, which grading does not run again.

Everything a learner wrote runs. Of the cells that are as they were handed out, those run that bind a name which
something that runs reads, step by step. Code that looks up names while it runs gets every cell.
"""

import ast
import symtable
from collections.abc import Iterable, Iterator
from functools import lru_cache

from autograder.graft import GraftedCell

LOOKS_UP_NAMES = {
    *("globals", "locals", "vars", "eval", "exec", "compile", "get_ipython", "__import__", "import_module", "dir"),
    *("In", "Out", "_", "__", "___", "__main__", "modules", "inspect", "gc", "_ih", "_oh", "_i", "getattr"),
}


def needed_cells(cells: Iterable[GraftedCell]) -> set[str]:
    """The ids of the cells to run, of those in `cells`: code cells in order, none of them graded."""
    cells = list(cells)
    names = [_names(cell.source) for cell in cells]
    start = [cell.own or bool(cell.grade_id) or not found.known for cell, found in zip(cells, names, strict=True)]
    searched = [found for cell, found in zip(cells, names, strict=True) if cell.own]
    if any(not found.known or (found.now | found.later | found.attributes) & LOOKS_UP_NAMES for found in searched):
        return {cell.id for cell in cells}
    modules = set().union(*(found.imported for found in names))
    needed, open_cells = set(), [place for place, runs in enumerate(start) if runs]
    while open_cells:
        place = open_cells.pop()
        if place not in needed:
            needed.add(place)
            at_once, asked = names[place].now, names[place].later
            if cells[place].own:  # a learner's names may stand for things that change until the end
                asked = asked | at_once
            open_cells += _behind(names, at_once | asked, place, modules)
            open_cells += _behind(names, asked, len(cells), modules)
    return {cells[place].id for place in needed}


def _behind(names: list["_Names"], read: set[str], before: int, modules: set[str]) -> list[int]:
    """The cells before a place that give these names their values: who bound each last, and who changed it since."""
    found = []
    for name in read:
        for place in range(before - 1, -1, -1):
            if name in names[place].bound:
                found.append(place)
                break
            if name in names[place].changed - modules:
                found.append(place)
    return found


@lru_cache(1000)
def _names(source: str) -> "_Names":
    return _Names(source)  # most cells are the lesson's own, the same in every submission


class _Names:
    """The global names that a source uses; `known` if it is plain Python.

    now: read when it runs; later: read when a function of it is called; bound, changed and imported: by it;
    attributes: words behind a dot.
    """

    def __init__(self, source: str):
        self.now, self.later, self.bound, self.changed, self.imported = set(), set(), set(), set(), set()
        self.attributes: set[str] = set()
        self.known = True
        try:
            tree = ast.parse(source)
            self._scope(symtable.symtable(source, "cell", "exec"))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.known = False
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                self.attributes.add(node.attr)  # a word such as `modules` tells of a look-up
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                self.known = False
        self.changed = {name for statement in tree.body for name in _changed(statement)}

    def _scope(self, table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            top = table.get_type() == "module"
            if not top and not symbol.is_global():
                continue
            if symbol.is_referenced():
                (self.now if top else self.later).add(symbol.get_name())
            if symbol.is_imported():
                self.imported.add(symbol.get_name())
            if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                self.bound.add(symbol.get_name())
        for inner in table.get_children():
            self._scope(inner)


def _changed(statement: ast.stmt) -> Iterator[str]:
    """The names whose objects a statement may change: x[0] = 1, x.y = 1, x.append(1)."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for node in ast.walk(statement):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        stored = isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)
        if not called and not stored:
            continue
        root = node.func if called else node
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if isinstance(root, ast.Name):
            yield root.id
