"""nbgrader's gradebook with one transaction a submission: it is recorded whole, or not at all.

nbgrader opens its gradebook several times for each submission, and commits each point. While `OneTransaction` is begun,
all of these work on one connection, inside one transaction that is committed at the end.
"""

import nbgrader.api
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import OperationalError


class _Borrowed(Connection):
    """A connection in the place of an engine: nbgrader disposes of it after each use, and it stays."""

    def dispose(self) -> None:
        pass


class OneTransaction:
    """Begin, and then commit or roll back; `close` gives nbgrader its own way back.

    trouble: what a database first said that could not be written, or ""; what it says later follows from that.
    """

    def __init__(self, db_url: str, patience: float = 60):
        """patience: seconds to wait for a database that somebody else has locked."""
        self.trouble = ""
        self._own_way = nbgrader.api.create_engine
        self._sqlite = db_url.startswith("sqlite")
        self._engine = create_engine(db_url, **({"connect_args": {"timeout": patience}} if self._sqlite else {}))
        self._connection = None
        event.listen(self._engine, "handle_error", self._hear)
        if self._sqlite:  # its driver would begin too late for savepoints, and commit on its own
            event.listen(self._engine, "connect", _no_own_transactions)
            event.listen(self._engine, "begin", _begin_at_once)
        self._make_tables = nbgrader.api.Base.metadata.create_all
        nbgrader.api.create_engine = self._engine_of
        nbgrader.api.Base.metadata.create_all = self._tables_of

    def begin(self) -> None:
        """What follows belongs to a new submission; what was not committed is gone."""
        self.roll_back()
        self._connection = _Borrowed(self._engine)
        self._start()

    def commit(self) -> None:
        """The submission is recorded."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if connection.in_transaction():
                if (savepoint := connection.get_nested_transaction()) is not None:
                    savepoint.commit()
                connection.get_transaction().commit()
        finally:
            connection.close()

    def roll_back(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()  # and with it whatever is not committed

    def close(self) -> None:
        self.roll_back()
        self._engine.dispose()
        nbgrader.api.create_engine = self._own_way
        nbgrader.api.Base.metadata.create_all = self._make_tables

    def _start(self) -> None:
        self._connection.begin()
        self._connection.begin_nested()  # so that a session's commit and rollback end at a savepoint

    def _engine_of(self, db_url, **settings):
        """What nbgrader takes for an engine: within a submission, the one connection."""
        if self._connection is None:
            return self._own_way(db_url, **settings)
        if not self._connection.in_transaction():
            self._start()
        return self._connection

    def _hear(self, context) -> None:
        if isinstance(context.sqlalchemy_exception, OperationalError):
            self.trouble = self.trouble or str(context.original_exception)

    def _tables_of(self, bind, **settings):
        """nbgrader asks for each of its twenty tables whenever it opens its gradebook; once is enough."""
        if bind is not self._connection:
            self._make_tables(bind=bind, **settings)


def _no_own_transactions(connection, record) -> None:
    connection.isolation_level = None


def _begin_at_once(connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # waits for others here, and not half-way
