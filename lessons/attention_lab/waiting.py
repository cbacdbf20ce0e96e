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
    """Says which exercises a cell waits for; or, once they are written, which names to make first."""

    def __init__(self, stubs: list[str], names: list[str]):
        listed = " and ".join(f"`{name}`" for name in stubs or names)
        if stubs:
            self.text = f"This cell waits for {listed}. Write it above and run this cell again."
        else:
            self.text = f"This cell needs {listed}, from a cell above that was waiting. Run that one first."

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
        missing = [name for name in used if name in self.pending]
        sources = [name for name in used if name not in self.pending]
        sources += [stub for name in missing for stub in self.pending[name]]
        stubs = list(dict.fromkeys(stub for name in sources for stub in stubs_behind(name, self.namespace)))
        for name in bound:
            if stubs or missing:
                self.pending[name] = stubs
            else:
                self.pending.pop(name, None)
        if not stubs and not missing:
            return cell
        arguments = f"{stubs!r}, {list(dict.fromkeys(missing))!r}"
        note = ast.parse(f"__import__('attention_lab.waiting', fromlist=['Note']).Note({arguments})")
        return ast.copy_location(note, cell)


def stubs_behind(name: str, namespace: dict, seen: frozenset = frozenset()) -> list[str]:
    """The unwritten functions and classes that `name` is, or calls, as far as its code tells."""
    codes = [] if name in seen else _codes_of(namespace.get(name), namespace)
    if any(code.co_names == ("NotImplementedError",) for code in codes):
        return [name]
    used = (other for code in codes for other in _names_in(code))
    return [stub for other in used for stub in stubs_behind(other, namespace, seen | {name})]


def _codes_of(value, namespace: dict) -> list:
    """The code of a function of the notebook, or of the methods of a class of it; of anything else, none."""
    functions = vars(value).values() if isinstance(value, type) else [value]
    return [
        function.__code__
        for function in functions
        if hasattr(function, "__code__") and getattr(function, "__globals__", None) is namespace
    ]


def _names_in(code) -> list[str]:
    """The global names that a function reads, in comprehensions and functions inside it too."""
    inner = (constant for constant in code.co_consts if hasattr(constant, "co_names"))
    return [*code.co_names, *(name for part in inner for name in _names_in(part))]


def _is_check(cell: ast.Module) -> bool:
    if len(cell.body) != 1 or not isinstance(cell.body[0], ast.Expr):
        return False
    call = cell.body[0].value
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in PASSIVE


def _names(cell: ast.Module) -> tuple[set[str], list[str]]:
    """The names that a cell binds at its top level, and those that it reads before it has bound them itself."""
    reader = _Reader()
    reader.visit(cell)
    return reader.bound, reader.used


class _Reader(ast.NodeVisitor):
    """Walks through a cell in the order in which it runs; the body of a function runs where it is first used."""

    def __init__(self):
        self.bound: set[str] = set()
        self.used: list[str] = []
        self.bodies: dict[str, list[ast.AST]] = {}

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Store):
            self.bound.add(node.id)
        elif node.id in self.bodies:
            self._visit(*self.bodies.pop(node.id))
        elif node.id not in self.bound:
            self.used.append(node.id)

    def visit_Assign(self, node):
        self._visit(node.value, *node.targets)

    def visit_AugAssign(self, node):
        self._visit(node.value)
        if isinstance(node.target, ast.Name) and node.target.id not in self.bound:
            self.used.append(node.target.id)
        self._visit(node.target)

    def visit_For(self, node):
        self._visit(node.iter, node.target, *node.body, *node.orelse)

    def visit_ListComp(self, node):
        self._visit(*node.generators, node.elt)

    visit_SetComp = visit_GeneratorExp = visit_ListComp

    def visit_DictComp(self, node):
        self._visit(*node.generators, node.key, node.value)

    def visit_comprehension(self, node):
        self._visit(node.iter, node.target, *node.ifs)

    def visit_FunctionDef(self, node):
        self._visit(*node.decorator_list, *node.args.defaults)
        self.bound.add(node.name)
        self.bodies[node.name] = node.body

    def visit_ClassDef(self, node):
        self.bound.add(node.name)

    def visit_Lambda(self, node):
        self._visit(*node.args.defaults)

    def visit_alias(self, node):
        self.bound.add((node.asname or node.name).split(".")[0])

    def _visit(self, *nodes):
        for node in nodes:
            self.visit(node)


def install() -> None:
    """Watch the cells of the running IPython, once; do nothing elsewhere."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None and not any(isinstance(t, Waiting) for t in shell.ast_transformers):
        shell.ast_transformers.append(Waiting(shell.user_ns))
