"""Reads a lesson's source (MyST text) into cells, and says of each what it is for."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

import jupytext

from autograder.checkout import must_be_checkout
from autograder.problem import Problem

PROJECT = Path(__file__).resolve().parent.parent  # the checkout this runs from

PROSE, CODE, EXERCISE, GRADE, GIVEN = "prose", "code", "exercise", "grade", "given"


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson as its author wrote it.

    `kind` is one of the five words above; `module` and `names` say what an exercise or a given cell imports
    from `solutions`; for a grade cell `names` holds the one exercise it checks.
    """

    kind: str
    text: str
    tags: tuple[str, ...] = ()
    module: str = ""
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        """A cell's first line, to tell it by in a message."""
        return f"`{(self.text.strip().splitlines() or ['(empty)'])[0][:60]}`"


@dataclass(frozen=True)
class Lesson:
    """A lesson's cells in order; `stem` is its name everywhere ("01_intuition")."""

    stem: str
    cells: tuple[Cell, ...] = field(repr=False)

    @property
    def exercises(self) -> tuple[str, ...]:
        return tuple(cell.names[0] for cell in self.cells if cell.kind == EXERCISE)


def lesson_sources(root: Path) -> list[Path]:
    """The source of every lesson of the project at `root`, in order."""
    must_be_checkout(root)
    return sorted((root / "lessons" / "source").glob("[0-9][0-9]_*.md"))


def read_lesson(path: Path) -> Lesson:
    """The lesson in a MyST file; a mistake of its author is told in a sentence."""
    try:
        notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="md:myst")
    except Exception as error:  # jupytext raises what its parsers raise
        raise Problem(f"{path.name} cannot be read as MyST text: {error}") from error
    try:
        cells = [_cell(cell) for cell in notebook.cells if cell.source.strip()]
        return Lesson(path.stem, tuple(_with_grade_cells(cells)))
    except Problem as problem:
        raise Problem(f"{path.name}: {problem}") from None


def _cell(cell) -> Cell:
    tags = tuple(cell.metadata.get("tags", ()))
    if cell.cell_type != "code":
        return Cell(PROSE, cell.source, tags)
    plain = Cell(CODE, cell.source, tags)
    kind = next((tag for tag in tags if tag in (EXERCISE, GIVEN)), CODE)
    if kind == CODE:
        return plain
    module, names = _import(plain)
    if kind == EXERCISE and len(names) != 1:
        raise Problem(f"the exercise cell {plain} names {len(names)} functions; an exercise is one.")
    return Cell(kind, cell.source, tags, module, names)


def _import(cell: Cell) -> tuple[str, tuple[str, ...]]:
    """What `from solutions.x import f, g` names; nothing else may stand in such a cell."""
    try:
        statements = ast.parse(cell.text).body
    except SyntaxError:
        statements = []
    if len(statements) == 1 and isinstance(statements[0], ast.ImportFrom):
        module, names = statements[0].module or "", statements[0].names
        if module.startswith("solutions.") and not any(name.asname or name.name == "*" for name in names):
            return module, tuple(name.name for name in names)
    raise Problem(
        f"the cell {cell} is tagged {'/'.join(cell.tags)}, so it must hold one import and nothing else: "
        "`from solutions.MODULE import NAME`."
    )


def _with_grade_cells(cells: list[Cell]) -> list[Cell]:
    """The same cells, where the code cell after each exercise is known as the one that grades it."""
    cells = list(cells)
    for position, cell in enumerate(cells):
        if cell.kind == EXERCISE:
            (name,) = cell.names
            after = next((n for n in range(position + 1, len(cells)) if cells[n].kind != PROSE), None)
            if after is None or cells[after].text.strip() != f"check({name})":
                raise Problem(f"the exercise `{name}` has no check: the next code cell must be `check({name})` alone.")
            cells[after] = Cell(GRADE, cells[after].text.strip(), cells[after].tags, names=(name,))
    return cells
