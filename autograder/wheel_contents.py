"""A step of the build (hatchling): puts the data and the learners' notebooks into a wheel, inside `attention_lab`.

An editable install gets neither: there they are found where they lie in the project.
"""

from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WheelContents(BuildHookInterface):
    """Named in pyproject.toml, [tool.hatch.build.targets.wheel.hooks.custom]."""

    def initialize(self, version: str, build_data: dict) -> None:
        if version == "standard":
            build_data["force_include"] |= contents(Path(self.root))


def contents(root: Path) -> dict[str, str]:
    """Each file beside the packages that a wheel has, and where it lies there."""
    data = [path for path in sorted((root / "data").rglob("*")) if path.is_file() and _is_data(path)]
    placed = {str(path): f"attention_lab/{path.relative_to(root).as_posix()}" for path in data}
    for path in sorted((root / "lessons").glob("[0-9][0-9]_*.ipynb")):
        placed[str(path)] = f"attention_lab/lessons/{path.name}"
    return placed


def _is_data(path: Path) -> bool:
    return path.suffix in (".npy", ".npz", ".json", ".md", ".txt") or path.name == "LICENSE"
