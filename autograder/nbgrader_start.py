"""nbgrader's command, while on another core there loads what the first submission needs.

python -m autograder.nbgrader_start autograde 01_intuition
"""

from threading import Thread


def main() -> None:
    """nbgrader is imported meanwhile: that takes a second."""
    from autograder.session import prepare_sessions

    Thread(target=prepare_sessions, name="loading ahead", daemon=True).start()
    from nbgrader.apps.nbgraderapp import main as nbgrader

    nbgrader()


if __name__ == "__main__":  # Dask's workers import this module as well
    main()
