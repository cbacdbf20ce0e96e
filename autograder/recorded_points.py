"""The points in a class's gradebook, read from nbgrader's tables: its own classes take a second to import."""

from collections.abc import Iterator

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from autograder.problem import Problem

# As nbgrader.api.Grade.score has it: a person's points before the grader's, and extra credit on top.
POINTS = text("""
    SELECT submitted_assignment.student_id, base_cell.name,
           COALESCE(grade.manual_score + COALESCE(grade.extra_credit, 0.0),
                    grade.auto_score + COALESCE(grade.extra_credit, 0.0), 0.0)
    FROM grade
    JOIN base_cell ON base_cell.id = grade.cell_id
    JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN assignment ON assignment.id = submitted_assignment.assignment_id
    WHERE assignment.name = :lesson
    ORDER BY submitted_assignment.student_id, base_cell.name
""")


def recorded_points(db_url: str, lesson: str) -> Iterator[tuple[str, str, float]]:
    """Learner, grade_id of the graded cell and points, of everybody who has a submission of the lesson."""
    engine = create_engine(db_url)
    try:
        with engine.connect() as connection:
            if inspect(connection).has_table("grade"):
                for learner, cell, points in connection.execute(POINTS, {"lesson": lesson}):
                    yield learner, cell, float(points)
    except (SQLAlchemyError, ImportError) as error:  # ImportError: no driver for this kind of server
        told = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise Problem(f"The gradebook cannot be read: {told}") from error
    finally:
        engine.dispose()
