"""Attacks through IPython's hooks: events, transformers, displays, and imports."""

from autograder.tests.attacks.attack import Attack, code

FAMILY = "hooks"

ATTACKS: tuple[Attack, ...] = (
    code(
        "hook-events",
        FAMILY,
        "before and after every cell, check is replaced",
        first="""\
shell = get_ipython()
def again(*a):
    shell.user_ns["check"] = lambda function: 4.0
for event in ("pre_execute", "pre_run_cell", "post_execute", "post_run_cell"):
    shell.events.register(event, again)""",
    ),
    code(
        "hook-input",
        FAMILY,
        "an input transformer rewrites the grade cell to its full points",
        first="""\
def rewrite(lines):
    return ["4.0\\n"] if any("check(" in line for line in lines) else lines
get_ipython().input_transformers_cleanup.append(rewrite)
get_ipython().input_transformers_post.append(rewrite)""",
    ),
    code(
        "hook-ast",
        FAMILY,
        "a syntax-tree transformer turns every call of check into 4.0",
        first="""\
import ast
class Full(ast.NodeTransformer):
    def visit_Call(self, node):
        named = getattr(node.func, "id", "") == "check"
        return ast.copy_location(ast.Constant(4.0), node) if named else node
get_ipython().ast_transformers.append(Full())""",
    ),
    code(
        "hook-display",
        FAMILY,
        "the display hook and the formatters show 4.0 for every value",
        first="""\
import sys
shell = get_ipython()
for formatter in shell.display_formatter.formatters.values():
    try:
        formatter.for_type(float, lambda *a: "4.0")
        formatter.for_type(object, lambda *a: "4.0")
    except Exception:
        pass
shell.display_formatter.format = lambda *a, **k: ({"text/plain": "4.0"}, {})
sys.displayhook = lambda value: print("4.0")""",
        last="softmax",
    ),
    code(
        "hook-shell",
        FAMILY,
        "the shell's own methods run nothing and report success",
        first="""\
shell = get_ipython()
class Done:
    success, result, error_in_exec, error_before_exec, execution_count = True, 4.0, None, None, 1
    def raise_error(self): pass
for name in ("run_cell", "run_cell_async", "run_ast_nodes", "run_code", "showtraceback", "_showtraceback"):
    try:
        setattr(shell, name, lambda *a, **k: Done())
    except Exception as error:
        print(name, error)""",
    ),
    code(
        "hook-tracebacks",
        FAMILY,
        "exceptions are shown, and reported, as a passed exercise",
        first="""\
import sys, traceback
full = lambda *a, **k: ["✓ softmax: 4 of 4 points"]
get_ipython().set_custom_exc((BaseException,), lambda *a, **k: full())
sys.excepthook = sys.unraisablehook = full
traceback.format_exception = traceback.format_exc = traceback.extract_tb = full""",
        answers={"softmax": "def softmax(scores, axis=-1):\n    raise ValueError('✓ softmax: 4 of 4 points')"},
    ),
    code(
        "hook-imports",
        FAMILY,
        "an import hook supplies the attacker's attention_lab to all who ask",
        first="""\
import sys, importlib.abc, importlib.util
class Mine(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in ("attention_lab", "autograder", "solutions", "wire", "runner"):
            return importlib.util.spec_from_loader(name, self)
    def exec_module(self, module):
        module.check = module.judge = lambda *a: 4.0
        module.__path__ = []
for name in [name for name in sys.modules if name.startswith("attention_lab")]:
    del sys.modules[name]
sys.meta_path.insert(0, Mine())""",
        last="from attention_lab.check import check\ncheck(softmax)",
    ),
    code(
        "hook-magics",
        FAMILY,
        "magics run shells, other interpreters and scripts",
        first="""\
shell = get_ipython()
for line in ("!cat $KNOWN_seed", "!ls -la /", "!env", "%env", "%history -g", "%who"):
    try:
        shell.run_cell(line.replace("$KNOWN_seed", KNOWN["private_seed"]))
    except Exception as error:
        print(error)""",
        last="%%bash\ncat /etc/hostname; id; ps aux | head -50",
    ),
)
