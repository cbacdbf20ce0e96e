"""The project's own folder: what only works there says so where the package was installed from a wheel."""

from pathlib import Path

from autograder.problem import Problem


def is_checkout(root: Path) -> bool:
    """Whether `root` holds the sources of the lessons, which no installed package has."""
    return (root / "lessons" / "source").is_dir()


def must_be_checkout(root: Path) -> None:
    """Raises Problem where only the package is installed."""
    if not is_checkout(root):
        raise Problem(
            "This needs the project's own folder: the package that is installed here has no sources of the lessons. "
            "Fetch the project, and start its ./course."
        )
