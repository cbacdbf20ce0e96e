"""./course in a world of its own: a few system tools, a fake Python, a fake pip; nothing real is installed.

Not covered: that the real requirements install. `.ci/run` in a clean checkout shows it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.command import ROOT

TOOLS = "awk cat chmod cksum cut df dirname grep ln mkdir mv ps readlink rm rmdir sed sh tail uname"
GOOD_PYTHON = """#!/bin/sh
[ "$1" = -c ] && { echo "good 3.12"; exit 0; }
[ "$1" = -V ] && { echo "Python 3.12.1"; exit 0; }
echo "$*" >>"$WORLD/calls"
case "$1 $2" in
    "-m venv") mkdir -p "$3/bin" && echo "version = 3.12.1" >"$3/pyvenv.cfg" && ln -s "$0" "$3/bin/python" ;;
    "-m pip")
        [ -e "$WORLD/pip" ] && . "$WORLD/pip"
        printf '#!/bin/sh\\necho "course in $PWD with $*"; exit 7\\n' >.venv/bin/course
        chmod +x .venv/bin/course ;;
esac
"""
# The real probe on the real interpreter, which is made to look otherwise.
DISGUISED = """#!/bin/sh
exec "{python}" -c 'import sys; {disguise}; exec(sys.argv[1])' "$2"
"""


class World:
    """A copy of ./course in a folder with a space, and the only programs it can find."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.programs = folder / "bin"
        self.project = folder / "attention lab"
        self.programs.mkdir()
        self.project.mkdir()
        for name in ("course", "requirements.txt", "pyproject.toml"):
            shutil.copy(ROOT / name, self.project / name)
        for name in TOOLS.split():
            (self.programs / name).symlink_to(shutil.which(name))
        self.program("sleep", f"#!/bin/sh\nexec {shutil.which('sleep')} 0.05\n")
        self.environment = {"PATH": str(self.programs), "WORLD": str(folder), "TMPDIR": str(folder)}

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def pip_does(self, script: str) -> None:
        (self.folder / "pip").write_text(script)

    def start(self, *arguments, course=None, directory=None) -> subprocess.Popen:
        return subprocess.Popen(
            [str(course or self.project / "course"), *arguments],
            cwd=directory or self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # a background job is started with Ctrl-C ignored, and no shell can take that back
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments, **where) -> subprocess.CompletedProcess:
        process = self.start(*arguments, **where)
        out, err = process.communicate(timeout=30)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def calls(self, what: str) -> int:
        """How often the fake Python was asked for a `venv`, or for a `pip` run."""
        calls = self.folder / "calls"
        return calls.read_text().count(f"-m {what}") if calls.exists() else 0

    def wait_for_pip(self) -> None:
        while not self.calls("pip"):
            time.sleep(0.02)


def has_ended(process: int) -> bool:
    """Whether the process is gone, or goes within a second."""
    for _ in range(50):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout
        if not state or state.startswith("Z"):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.program("python3", GOOD_PYTHON)
    return world


def assert_a_sentence(result, *words):
    """It failed, said these words, and showed no traceback."""
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert not [word for word in words if word not in result.stderr], result.stderr


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="not run by ./course test, so it would set up")
def test_the_real_one_answers():
    shown = subprocess.run([ROOT / "course", "--help"], capture_output=True, text=True, timeout=600)
    assert shown.returncode == 0, shown.stderr
    assert "For learners" in shown.stdout


def test_it_sets_up_then_hands_over_directory_arguments_and_exit_code(world):
    result = world.run("check", "a b")
    assert (result.returncode, result.stdout) == (7, f"course in {world.folder} with check a b\n")
    assert "takes some minutes" in result.stderr
    assert not (world.project / ".venv.lock").is_symlink()


def test_once_set_up_it_says_nothing_of_its_own_and_takes_no_time(world):
    world.run()
    calls = world.calls("pip")
    start = time.perf_counter()
    result = world.run()
    assert time.perf_counter() - start < 1
    assert (result.stderr, world.calls("pip")) == ("", calls)


def test_it_works_through_symbolic_links(world):
    (world.folder / "elsewhere").mkdir()
    (world.folder / "elsewhere" / "step").symlink_to("../attention lab/course")
    (world.folder / "link").symlink_to(world.folder / "elsewhere" / "step")
    assert world.run("lab", course=world.folder / "link", directory="/").stdout == "course in / with lab\n"
    assert (world.project / ".venv" / "course-stamp").exists()


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_changed_inputs_are_installed_into_the_same_venv(world, name):
    world.run()
    with (world.project / name).open("a") as file:
        file.write("# changed\n")
    assert world.run().returncode == 7
    assert (world.calls("venv"), world.calls("pip")) == (1, 4)


def test_a_moved_project_gets_a_new_venv(world):
    world.run()
    world.project = world.project.rename(world.folder / "moved")
    assert world.run().returncode == 7
    assert world.calls("venv") == 2
    assert not (world.project / ".venv.old").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_set_up_starts_afresh(world, how):
    world.pip_does('echo $$ >"$WORLD/pid"; exec "$WORLD/bin/tail" -f /dev/null')
    process = world.start()
    world.wait_for_pip()
    while not (world.folder / "pid").exists():
        time.sleep(0.02)
    process.send_signal(how)
    process.wait(timeout=10)
    pip = int((world.folder / "pid").read_text())
    if how == signal.SIGKILL:
        os.kill(pip, how)
    else:
        assert "interrupted" in process.communicate()[1]
        assert has_ended(pip)
    world.pip_does("")
    assert world.run().returncode == 7
    assert world.calls("venv") == 2


def test_of_two_at_once_one_sets_up_and_both_go_on(world):
    world.pip_does('"$WORLD/bin/sleep"')
    processes = [world.start(str(number)) for number in range(2)]
    assert [process.wait(timeout=20) for process in processes] == [7, 7]
    assert (world.calls("venv"), world.calls("pip")) == (1, 2)
    for process in processes:
        process.communicate()


def test_a_venv_of_somebody_else_is_used_and_kept(world):
    venv = world.project / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(world.programs / "python3")
    (venv / "theirs").touch()
    world.pip_does("echo ERROR; exit 1")
    assert_a_sentence(world.run(), "Set-up failed")
    world.pip_does("")
    assert world.run().returncode == 7
    assert world.calls("venv") == 0
    assert (venv / "theirs").exists()


def test_a_folder_named_venv_that_is_none_is_not_thrown_away(world):
    (world.project / ".venv").mkdir()
    (world.project / ".venv" / "theirs").touch()
    assert_a_sentence(world.run(), "not made by ./course", "Move it away")
    assert (world.project / ".venv" / "theirs").exists()


def test_no_python_at_all(world):
    (world.programs / "python3").unlink()
    assert_a_sentence(world.run(), "Python 3.11 or newer; none was found", "apt install", "dnf", "brew")
    assert not (world.project / ".venv").exists()


def disguised(disguise: str) -> str:
    return DISGUISED.format(python=sys.executable, disguise=disguise)


def test_a_python_that_is_too_old(world):
    world.program("python3", disguised("sys.version_info = (3, 9, 2)"))
    assert_a_sentence(world.run(), "Python 3.11 or newer; only Python 3.9 was found", "apt install")


def test_a_newer_python_beside_the_old_one_is_found(world):
    world.program("python3", disguised("sys.version_info = (3, 9, 2)"))
    world.program("python3.12", GOOD_PYTHON)
    assert world.run().returncode == 7


def test_a_python_without_venv(world):
    world.program("python3", disguised('sys.modules["ensurepip"] = None; sys.version_info = (3, 13, 1)'))
    assert_a_sentence(world.run(), "Python 3.13 is here", "sudo apt install python3.13-venv")


@pytest.mark.parametrize(
    ("last_words", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("NewConnectionError: Temporary failure in name resolution", "there is no network"),
        ("ERROR: Could not install packages: Read-only file system", "could not be written"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no torch==2.13.0 for Python 3.12.1"),
        ("ERROR: something nobody thought of", "something nobody thought of"),
    ],
)
def test_pip_fails(world, last_words, sentence):
    world.pip_does(f'echo "Traceback (most recent call last):" >&2; echo; echo; echo "{last_words}" >&2; exit 1')
    result = world.run()
    assert_a_sentence(result, sentence)
    log = world.project / ".venv" / "course-setup.log"
    assert last_words in log.read_text()
    assert str(log) in result.stderr


def test_when_the_network_is_back_the_set_up_goes_on(world):
    world.pip_does("echo NewConnectionError; exit 1")
    world.run()
    world.pip_does("")
    assert world.run().returncode == 7
    assert world.calls("venv") == 1


def test_a_folder_where_nothing_can_be_written(world):
    world.program("ln", "#!/bin/sh\nexit 1\n")
    assert_a_sentence(world.run(), "Cannot write in", "attention lab", "Copy the project")


def test_a_disk_without_any_room(world):
    world.program("ln", "#!/bin/sh\nexit 1\n")
    world.program("df", "#!/bin/sh\necho Header\necho /dev/a disk 1000 999 1 100% /a folder\n")
    assert_a_sentence(world.run(), "The disk is full", "TMPDIR")


APT = """#!/bin/sh
echo "$*" >>"$WORLD/apt"
[ "$1" = update ] && { : >"$WORLD/lists"; exit 0; }
%s
"""


def root_on_debian(world, apt: str, user: int = 0) -> None:
    world.program("id", f"#!/bin/sh\necho {user}\n")
    world.program("apt-get", APT % apt)


def test_root_on_debian_gets_bubblewrap_once_with_one_line(world):
    root_on_debian(world, '[ -e "$WORLD/lists" ]')
    result = world.run()
    assert result.returncode == 7
    assert "Installed bubblewrap" in result.stderr
    assert (world.folder / "apt").read_text().splitlines() == [
        "install -y -q bubblewrap",
        "update -q",
        "install -y -q bubblewrap",
    ]
    assert "bubblewrap" not in world.run().stderr


def test_without_bubblewrap_the_rest_works(world):
    root_on_debian(world, "exit 100")
    result = world.run()
    assert (result.returncode, result.stdout) == (7, f"course in {world.folder} with \n")
    assert "Could not install bubblewrap, which grading needs" in result.stderr


@pytest.mark.parametrize("user", [0, 1000])
def test_nothing_is_installed_where_it_is_there_or_a_password_is_needed(world, user):
    root_on_debian(world, "", user)
    if user == 0:
        world.program("bwrap", "#!/bin/sh\n")
    assert "bubblewrap" not in world.run().stderr
    assert not (world.folder / "apt").exists()
