"""Who may import whom, and that everything imported from outside is pinned."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.command import ROOT

OURS = {"attention_lab", "solutions", "autograder"}
KNOW_NBGRADER = {
    f"autograder/{name}.py"
    for name in (
        "nbgrader_plugin",
        "nbgrader_start",
        "nbgrader_grading",
        "nbgrader_recording",
        "one_transaction",
        "class_gradebook",
    )
}
MEASURES_SOLUTIONS = {"autograder/bench_attention.py", "autograder/measure_on_gpu.py"}
OPTIONAL = {"transformers", "safetensors"}  # compared with, where installed
PACKAGE_OF = {"PIL": "pillow", "dask": "distributed"}  # where a package is not named as it is imported
CODE_CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


def imported(source: str) -> set[str]:
    """The dotted names a Python file imports; relative imports stay inside their package and do not count."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return names


def roots(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def cells(source: str) -> str:
    """The Python in a lesson's MyST source, without its options and its magics."""
    lines = "".join(CODE_CELL.findall(source)).splitlines()
    return "\n".join(line for line in lines if not line.startswith((":", "%", "!")))


def imports(root: Path) -> Iterator[tuple[str, set[str]]]:
    """Every Python file and every lesson of the project, with the packages it imports."""
    for top in ("lessons", "solutions", "autograder", "data"):
        for path in sorted((root / top).rglob("*.py")):
            yield path.relative_to(root).as_posix(), roots(imported(path.read_text(encoding="utf-8")))
    for path in sorted((root / "lessons" / "source").glob("*.md")):
        yield path.relative_to(root).as_posix(), roots(imported(cells(path.read_text(encoding="utf-8"))))


def forbidden(path: str, packages: set[str]) -> set[str]:
    """What the file at `path` imports and may not."""
    is_test = "/tests/" in path
    found = set()
    if not path.startswith("autograder/"):
        found |= packages & {"autograder"}
    if path.startswith("lessons/attention_lab/"):
        found |= packages & {"solutions"}
    if path.startswith("data/"):
        found |= packages & OURS
    if path.startswith("solutions/") and not is_test:
        found |= packages - {"solutions", "numpy", "torch"} - sys.stdlib_module_names
    if path.startswith("autograder/") and not is_test and not path.startswith("autograder/exercises/"):
        found |= packages & {"solutions"} if path not in MEASURES_SOLUTIONS else set()
    if path not in KNOW_NBGRADER and not is_test:
        found |= packages & {"nbgrader"}
    if path != "autograder/cluster.py" and not is_test:
        found |= packages & {"dask", "distributed"}
    return found


def test_every_layer_imports_only_what_it_may():
    files = dict(imports(ROOT))
    assert {"autograder/command.py", "solutions/intuition.py"} <= files.keys()
    assert {path: found for path, packages in files.items() if (found := forbidden(path, packages))} == {}


def test_everything_imported_is_pinned():
    pins = set(re.findall(r"^([\w-]+)(?:\[\w+\])?==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    known = sys.stdlib_module_names | OURS | OPTIONAL
    beside_data = {path.stem for path in (ROOT / "data").glob("*.py")}  # its scripts are neighbours, not a package
    missing = {}
    for path, packages in imports(ROOT):
        unknown = packages - known - (beside_data if path.startswith("data/") else set())
        if unpinned := {name for name in unknown if PACKAGE_OF.get(name, name.lower()) not in pins}:
            missing[path] = unpinned
    assert missing == {}


@pytest.mark.parametrize(
    ("path", "line", "package"),
    [
        ("lessons/attention_lab/judge.py", "from solutions.intuition import softmax", "solutions"),
        ("lessons/attention_lab/judge.py", "def late():\n    import autograder.build", "autograder"),
        ("solutions/intuition.py", "import matplotlib.pyplot as plt", "matplotlib"),
        ("solutions/tests/test_intuition.py", "from autograder import build", "autograder"),
        ("autograder/build.py", "from solutions import intuition", "solutions"),
        ("autograder/build.py", "import nbgrader.apps", "nbgrader"),
        ("autograder/record.py", "from dask.distributed import Client", "dask"),
        ("data/make_data.py", "import attention_lab", "attention_lab"),
    ],
)
def test_a_step_over_the_line_is_seen(path, line, package):
    assert forbidden(path, roots(imported(line))) == {package}


def test_a_lesson_that_imports_the_autograder_is_seen(tmp_path):
    source = tmp_path / "lessons" / "source" / "09_new.md"
    source.parent.mkdir(parents=True)
    source.write_text("# New\n```{code-cell} python3\n:tags: [given]\n%time 1\nfrom autograder import build\n```\n")
    assert [forbidden(*file) for file in imports(tmp_path)] == [{"autograder"}]
