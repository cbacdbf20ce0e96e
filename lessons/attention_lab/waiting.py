"""Let a cell wait, with a friendly note, while it needs a function that the learner has not written yet.

Without this an experiment that calls an unwritten exercise ends in a traceback, and so does every cell after it.
In IPython, each cell is looked at before it runs: if it uses a stub, or a name that a waiting cell would have made,
it is replaced by the note.
"""

import ast
import html

from attention_lab.feedback import COLOURS, STYLE, marked

PASSIVE = ("check",)  # calls that may be given a stub


class Note:
    """Says which exercises a cell waits for."""

    def __init__(self, names: list[str]):
        listed = " and ".join(f"`{name}`" for name in names)
        self.text = f"This cell waits for {listed}. Write it above and run this cell again."

    def __repr__(self):
        return "… " + self.text

    def _repr_html_(self):
        style = html.escape(STYLE.format(colour=COLOURS["waiting"]), quote=True)
        return f'<section role="note" style="{style}">… {marked(self.text)}</section>'


class Waiting(ast.NodeTransformer):
    """Replaces a cell that cannot run yet by a `Note`; remembers the names that it would have bound."""

    def __init__(self, namespace: dict):
        self.namespace = namespace
        self.pending: dict[str, list[str]] = {}

    def visit_Module(self, cell: ast.Module) -> ast.Module:
        bound, used = _names(cell)
        if _is_check(cell):
            return cell
        missing = []
        for name in used:
            missing += self.pending.get(name, []) if name not in bound or name in self.pending else []
            missing += stubs_behind(name, self.namespace)
        missing = list(dict.fromkeys(missing))
        for name in bound:
            if missing:
                self.pending[name] = missing
            else:
                self.pending.pop(name, None)
        if not missing:
            return cell
        note = ast.parse(f"__import__('attention_lab.waiting', fromlist=['Note']).Note({missing!r})")
        return ast.copy_location(note, cell)


def stubs_behind(name: str, namespace: dict, seen: frozenset = frozenset()) -> list[str]:
    """The unwritten functions that `name` is, or calls, as far as its code tells."""
    code = getattr(namespace.get(name), "__code__", None)
    if code is None or name in seen or getattr(namespace[name], "__globals__", None) is not namespace:
        return []
    if code.co_names == ("NotImplementedError",):
        return [name]
    found = []
    for other in code.co_names:
        found += stubs_behind(other, namespace, seen | {name})
    return found


def _is_check(cell: ast.Module) -> bool:
    if len(cell.body) != 1 or not isinstance(cell.body[0], ast.Expr):
        return False
    call = cell.body[0].value
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in PASSIVE


def _names(cell: ast.Module) -> tuple[set[str], list[str]]:
    """The names that a cell binds at its top level, and those that it reads when it runs."""
    bound, used = set(), []

    class Reader(ast.NodeVisitor):
        def visit_FunctionDef(self, node):
            bound.add(node.name)
            for part in (*node.decorator_list, *node.args.defaults):
                self.visit(part)

        def visit_ClassDef(self, node):
            bound.add(node.name)

        def visit_Lambda(self, node):
            pass

        def visit_Name(self, node):
            if isinstance(node.ctx, ast.Load):
                used.append(node.id)
            else:
                bound.add(node.id)

        def visit_alias(self, node):
            bound.add((node.asname or node.name).split(".")[0])

    Reader().visit(cell)
    return bound, used


def install() -> None:
    """Watch the cells of the running IPython, once; do nothing elsewhere."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None and not any(isinstance(t, Waiting) for t in shell.ast_transformers):
        shell.ast_transformers.append(Waiting(shell.user_ns))
