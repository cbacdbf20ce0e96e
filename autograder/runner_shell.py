"""IPython without a kernel, for the runner: what a cell shows, prints and raises is recorded as plain JSON.

Lies in the jail beside runner.py, and imports nothing of ours.
"""

import base64
import os
import sys
import types
from contextlib import suppress

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Any, Type
from traitlets.config import Config

CELL = "<ipython-input-"  # how the file names of cells begin


class Recorder:
    """The outputs of the cell under way, as in a notebook file, at most `most_bytes` for all cells together.

    Standard output and error, of Python and of programs that it starts, go to two files that are read and emptied.
    """

    def __init__(self, most_bytes: int):
        self.left = most_bytes
        self.outputs: list[dict] = []
        self.files = {}
        devnull = os.open(os.devnull, os.O_RDWR)
        os.dup2(devnull, 0)
        os.close(devnull)
        sys.stdin = open(0)  # noqa: SIM115  (for as long as the process lives)
        for number, name in [(1, "stdout"), (2, "stderr")]:
            path = f".{name}"
            flags = os.O_CREAT | os.O_RDWR | os.O_APPEND
            self.files[name] = os.open(path, flags, 0o600)
            os.unlink(path)
            os.dup2(self.files[name], number)
            stream = open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)

    def add(self, output: dict, size: int) -> None:
        """Record an output; what was printed before it comes first."""
        self.printed()
        self._add(output, size)

    def error(self, name: str, text: str, lines: list[str]) -> None:
        size = sum(map(len, lines)) + len(text)
        self.add({"output_type": "error", "ename": name, "evalue": text, "traceback": lines}, size)

    def printed(self) -> None:
        """Record what was printed since the last time."""
        for name, text in self._read().items():
            if text:
                self._add({"output_type": "stream", "name": name, "text": text}, len(text))

    def take(self) -> list[dict]:
        """The outputs of the cell that has ended."""
        self.printed()
        outputs, self.outputs = self.outputs, []
        for output in outputs:
            output.pop("transient", None)
        return outputs

    def drop(self) -> None:
        self._read()

    def _add(self, output: dict, size: int) -> None:
        if self.left <= 0:
            return
        if size + 100 > self.left:
            text = output.get("text", "")[: self.left] + "\n… Too much output: the rest is left out.\n"
            output = {"output_type": "stream", "name": output.get("name", "stderr"), "text": text}
        self.left -= size + 100
        last = self.outputs[-1] if self.outputs else {}
        if output["output_type"] == last.get("output_type") == "stream" and output["name"] == last["name"]:
            last["text"] += output["text"]
        else:
            self.outputs.append(output)

    def _read(self) -> dict[str, str]:
        texts = {}
        for name, file in self.files.items():
            with suppress(OSError, ValueError, AttributeError):  # full, closed, or replaced by the learner
                getattr(sys, name).flush()
            texts[name] = os.pread(file, max(0, min(self.left + 1, 2**30)), 0).decode("utf-8", "replace")
            os.ftruncate(file, 0)
        return texts


class Publisher(DisplayPublisher):
    """`display(…)`: recorded; one with an id that was shown before in this cell takes its place."""

    recorder = Any()

    def publish(self, data, metadata=None, *, transient=None, update=False, **_):
        output = {"output_type": "display_data", **_bundle(data, metadata)}
        shown = (transient or {}).get("display_id")
        if update:
            for earlier in self.recorder.outputs:
                if shown and earlier.get("transient") == shown:
                    earlier.update(output)
            return
        if shown:
            output["transient"] = shown
        self.recorder.add(output, _size(output["data"]))

    def clear_output(self, wait=False):
        self.recorder.take()


class Hook(DisplayHook):
    """The last expression of a cell: recorded."""

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        output = {"output_type": "execute_result", "execution_count": self.prompt_count}
        output |= _bundle(format_dict, md_dict)
        self.shell.display_pub.recorder.add(output, _size(output["data"]))


class Shell(InteractiveShell):
    """Says that it belongs to a notebook (`kernel`), shows errors through the recorder, and needs no event loop."""

    kernel = None
    displayhook_class = Type(Hook)
    display_pub_class = Type(Publisher)

    def enable_gui(self, gui=None):
        pass

    def _get_exc_info(self, exc_tuple=None):
        kind, value, trace = super()._get_exc_info(exc_tuple)
        return kind, value, _own_lines(trace)

    def _showtraceback(self, kind, value, lines):
        try:
            text = str(value)
        except Exception:
            text = ""
        self.display_pub.recorder.error(kind.__name__, text, [str(line) for line in lines])


def make_shell(recorder: Recorder) -> Shell:
    """The IPython of this process; its outputs go to `recorder`."""
    shell = prepared_shell()
    shell.display_pub.recorder = recorder
    os.makedirs(shell.profile_dir.location, exist_ok=True)  # a fork has a home folder of its own
    shell.profile_dir.check_dirs()
    return shell


def prepared_shell() -> Shell:
    """The IPython of this process, which is made the first time; nothing can run in it before `make_shell`."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.enable_tip = False
    return Shell.instance(config=config)


def _own_lines(trace):
    """The traceback without the lines of libraries: IPython's own first frame, which it leaves out, then cells."""
    frames = []
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    kept = frames[:1] + [frame for frame in frames[1:] if frame.tb_frame.f_code.co_filename.startswith(CELL)]
    if len(kept) < 2:
        return frames[0] if frames else None
    own = None
    for frame in reversed(kept):
        own = types.TracebackType(own, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return own


def _bundle(data: dict, metadata: dict | None) -> dict:
    """As a notebook file has it: bytes, such as a PNG's, in base64."""
    plain = {
        str(kind): base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
    }
    return {"data": plain, "metadata": metadata or {}}


def _size(data: dict) -> int:
    return sum(len(value) if isinstance(value, str) else len(str(value)) for value in data.values())
