"""A gradebook on a server: whether its address can be used, before a class is made that depends on it."""

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from autograder.problem import Problem

EXAMPLE = "postgresql+psycopg://user@host/attention_lab"


def must_be_a_gradebook(db_url: str) -> None:
    """Raises Problem where nothing answers at this address, or its kind is not supported; no password is repeated."""
    try:
        url = make_url(db_url)
    except ArgumentError:
        raise Problem(f"That is no database address. One looks like {EXAMPLE}") from None
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise Problem(f"{url.drivername} cannot hold a gradebook here. Use {EXAMPLE}, or leave --db out for a file.")
    if url.drivername == "postgresql":
        raise Problem(f"Write postgresql+psycopg, which names the driver that is installed: {EXAMPLE}")
    engine = create_engine(url, connect_args={"connect_timeout": 10})
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        told = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise Problem(
            f"No gradebook at {url.render_as_string(hide_password=True)}: {told}\nDoes the server run, is there a "
            f"database {url.database or ''} (`createdb` makes one), and may {url.username or 'you'} open it?"
        ) from None
    finally:
        engine.dispose()
