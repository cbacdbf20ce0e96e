"""A gradebook on a real PostgreSQL server, which the test starts: grading, two graders at once, report, export."""

import os
import pwd
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder import nbgrader_plugin
from autograder.classroom import create_class
from autograder.command import app
from autograder.gradebook_server import must_be_a_gradebook
from autograder.jail import why_no_jail
from autograder.problem import Problem
from autograder.recorded_points import recorded_points
from autograder.tests.small_class import LESSON, SmallClass

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
needs_server = pytest.mark.skipif(not PROGRAMS, reason="PostgreSQL's server is not installed (apt install postgresql)")
needs_jail = pytest.mark.skipif(why_no_jail() is not None, reason="no jail can be had here")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of our own on a free port, with the address of its database; it ends with the tests."""
    folder, programs = tmp_path_factory.mktemp("postgresql"), PROGRAMS[-1].parent
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = {}
    if os.geteuid() == 0:  # it refuses to run as root
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and parent != Path("/") and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def run(*command):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder, **user)
        assert done.returncode == 0, done.stdout + done.stderr

    run(programs / "initdb", "-D", folder / "data", "-U", "grader", "--auth=trust", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    run(programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o", options, "start")
    try:
        run(programs / "createdb", "-h", "127.0.0.1", "-p", port, "-U", "grader", "autumn")
        yield f"postgresql+psycopg://grader@127.0.0.1:{port}/autumn"
    finally:
        run(programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def made(server, tmp_path_factory, small_lesson, exercises):
    """A class whose gradebook is on the server, with six submissions."""
    small = SmallClass(tmp_path_factory.mktemp("classes") / "autumn", small_lesson, exercises, db_url=server)
    for number in range(6):
        wrong = {"blend": f"def blend(weights, values):\n    return {number}\n"}
        small.hand_in(f"learner{number}", small.answered(wrong if number % 2 else None))
    return small


@needs_server
@needs_jail
@pytest.mark.slow
def test_two_graders_at_once_lose_nothing(made, server):
    asked = [f"learner{number}" for number in range(4)]
    done = {}

    def grade(who):
        done[who] = made.command("autograde", LESSON, f"--SubmissionExporter.only={who}")

    threads = [threading.Thread(target=grade, args=(who,)) for who in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {who: run.returncode for who, run in done.items()} == dict.fromkeys(asked, 0), done
    result = CliRunner().invoke(app, ["grade", str(made.path), "1"])
    assert result.exit_code == 0, result.output
    points = {}
    for who, cell, earned in recorded_points(server, LESSON):
        points.setdefault(who, {})[cell] = earned
    assert points == {
        f"learner{number}": {"check-softmax": 4.0, "check-blend": 0.0 if number % 2 else 2.0} for number in range(6)
    }
    assert not (made.path / "gradebook.db").exists()


@needs_server
@needs_jail
@pytest.mark.slow
def test_report_export_and_backup_know_the_server(made):
    assert CliRunner().invoke(app, ["grade", str(made.path), "1"]).exit_code == 0
    exported = CliRunner().invoke(app, ["export", str(made.path), "--to", "-"])
    assert exported.exit_code == 0 and "learner5" in exported.output
    assert CliRunner().invoke(app, ["report", str(made.path)]).exit_code == 0
    if shutil.which("pg_dump"):
        assert any(b"learner" in path.read_bytes() for path in (made.path / "backups").glob("*.sql"))


@needs_server
def test_a_class_on_a_server_keeps_its_address_to_itself(server, tmp_path):
    create_class(tmp_path / "class", db_url=server)
    settings = tmp_path / "class" / "nbgrader_config.py"
    assert settings.stat().st_mode & 0o077 == 0
    assert nbgrader_plugin.read_settings(tmp_path / "class").db_url == server


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("nonsense", "no database address"),
        ("mysql://grader:secret@host/autumn", "mysql cannot hold"),
        ("postgresql://grader:secret@host/autumn", "postgresql\\+psycopg"),
        ("postgresql+psycopg://grader:secret@127.0.0.1:9/autumn", "No gradebook at"),
    ],
)
def test_an_address_of_no_gradebook_is_told_without_its_password(address, told):
    with pytest.raises(Problem, match=told) as problem:
        must_be_a_gradebook(address)
    assert "secret" not in str(problem.value)
