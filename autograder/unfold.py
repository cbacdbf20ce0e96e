"""Turns an import from `solutions` into the source it names: whole, or with its answers marked."""

import ast
from dataclasses import dataclass
from pathlib import Path

from autograder.problem import Problem

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


@dataclass(frozen=True)
class Definition:
    """A function or class of `solutions`, as it is written there, comments included."""

    name: str
    lines: tuple[str, ...]

    @property
    def whole(self) -> str:
        return "\n".join(self.lines)

    @property
    def marked(self) -> str:
        """The whole source, each body between the two marks by which nbgrader finds what to remove."""
        lines = list(self.lines)
        for first, last in reversed(self._answers()):
            indent = " " * (len(lines[first]) - len(lines[first].lstrip()))
            lines[first : last + 1] = [indent + BEGIN, *lines[first : last + 1], indent + END]
        return "\n".join(lines)

    @property
    def answers(self) -> list[str]:
        """The lines that a learner has to find."""
        return [line for first, last in self._answers() for line in self.lines[first : last + 1]]

    def _answers(self) -> list[tuple[int, int]]:
        """The first and last line of each body: the function's own, or those of the methods of a class."""
        definition = ast.parse(self.whole).body[0]
        if ast.get_docstring(definition) is None:
            raise Problem(f"`{self.name}` in solutions has no docstring to tell a learner what to write.")
        if not isinstance(definition, ast.ClassDef):
            return [_body(definition, self.lines, last=len(self.lines) - 1)]
        methods = [node for node in definition.body if isinstance(node, ast.FunctionDef)]
        return [_body(method, self.lines, last=_last_line(method, self.lines)) for method in methods]


def definition(root: Path, module: str, name: str) -> Definition:
    """The function or class `name` of the module `solutions.…` in the project at `root`."""
    path = root / (module.replace(".", "/") + ".py")
    if not path.is_file():
        raise Problem(f"`from {module} import {name}` names a module that is not there: {path}")
    source = path.read_text(encoding="utf-8")
    for node in ast.parse(source, filename=str(path)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            lines = source.splitlines()
            return Definition(name, tuple(lines[_first_line(node) : _last_line(node, lines) + 1]))
    raise Problem(f"`{module}` defines no function or class `{name}`; is it spelled as in {path}?")


def _first_line(node) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1


def _last_line(node, lines) -> int:
    """The last line of a definition, with the comments that close its body."""
    last = node.end_lineno - 1
    for number in range(last + 1, len(lines)):
        text = lines[number].lstrip()
        if text.startswith("#") and len(lines[number]) - len(text) > node.col_offset:
            last = number
        elif text:
            break
    return last


def _body(function, lines, last: int) -> tuple[int, int]:
    """Where a function's statements are, without its docstring, with the comments above the first of them."""
    documented = ast.get_docstring(function) is not None
    statements = function.body[1:] if documented else function.body
    if not statements or statements[0].lineno == function.lineno:
        raise Problem(f"`{function.name}` in solutions has no body of its own lines to take out.")
    first = statements[0].lineno - 1
    while lines[first - 1].strip() == "" or lines[first - 1].lstrip().startswith("#"):
        first -= 1
    while lines[first].strip() == "":
        first += 1
    return first, last
