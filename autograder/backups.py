"""Copies a class's gradebook before anything is written to it: the newest twenty copies are kept, with their dates."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

FOLDER = "backups"
MOST = 20
PATIENCE = 60  # seconds for a database that somebody has locked


def back_up(classroom: Path, db_url: str, log, now: datetime | None = None) -> Path | None:
    """A dated copy of the gradebook in the class's `backups`; None where there is nothing to copy, or no way to."""
    url = make_url(db_url)
    folder = classroom / FOLDER
    stamp = f"gradebook-{now or datetime.now():%Y-%m-%d-%H%M%S-%f}"
    if url.get_backend_name() == "sqlite":
        if not url.database or not os.path.isfile(url.database):
            return None
        copy = folder / f"{stamp}.db"
        write = _copy_sqlite
    elif url.get_backend_name() == "postgresql" and shutil.which("pg_dump"):
        copy = folder / f"{stamp}.sql"
        write = _dump_postgresql
    else:
        log.warning("The gradebook is not copied first: pg_dump is not installed here. Your server's own copies count.")
        return None
    folder.mkdir(mode=0o700, exist_ok=True)
    half = copy.with_name(f".{copy.name}")
    try:
        write(url, half)
        half.rename(copy)
    finally:
        half.unlink(missing_ok=True)
    for old in sorted(folder.glob(f"gradebook-*{copy.suffix}"))[:-MOST]:
        old.unlink()
    return copy


def _copy_sqlite(url, copy: Path) -> None:
    source = sqlite3.connect(f"file:{Path(url.database).as_posix()}?mode=ro", uri=True, timeout=PATIENCE)
    with closing(source), closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    copy.chmod(0o600)


def _dump_postgresql(url, copy: Path) -> None:
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    secret = {"PGPASSWORD": url.password} if url.password else {}
    command = ["pg_dump", "--no-password", "--file", str(copy), address]
    subprocess.run(command, env=os.environ | secret, check=True, capture_output=True, text=True)
    copy.chmod(0o600)
