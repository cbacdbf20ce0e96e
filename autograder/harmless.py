"""Untrusted outputs of cells made harmless and bounded, so that they can be shown in feedback and formgrader.

What stays: text with its colours, PNG and JPEG pictures, and HTML that only describes. Everything else is left out,
with a note where nothing else would be seen. Markdown and LaTeX are shown as the text they are written in.
"""

import re
from collections.abc import Iterator

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.harmless_html import harmless_html, picture

MOST_BYTES = 4_000_000
MOST_OUTPUTS = 200  # of one cell
MOST_COLOURS = 500  # changes in one text: the page is made in a time that grows with them
MOST_FRAMES = 100  # parts of a traceback

TOO_LARGE = "(Not shown: it is too large.)"
NO_MORE = "(What follows is not shown: it is too much.)"
NOT_SHOWN = "(Not shown here: {}.)"
CUT = "\n(… {:,} bytes are not shown …)\n"

NAMES = {
    "application/javascript": "a script",
    "application/vnd.jupyter.widget-view+json": "an interactive figure",
    "image/jpeg": "a picture that cannot be read",
    "image/png": "a picture that cannot be read",
    "image/svg+xml": "an SVG picture",
    "text/html": "HTML of which nothing harmless is left",
    "text/javascript": "a script",
}
# A colour that is complete: nbconvert raises at half of one, and would take the feedback of the class with it.
_COLOUR = r"(?:[34]8;5;\d{1,3}|[34]8;2;\d{1,3};\d{1,3};\d{1,3}|(?!0*[34]8[;m])\d{1,3})"
# After the colours: any other command to a terminal, complete or not; control characters.
_CODES = re.compile(
    rf"(\x1b\[(?:{_COLOUR}(?:;{_COLOUR}){{0,9}})?m)|\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]", re.ASCII
)


def harmless(outputs, most_bytes: int = MOST_BYTES) -> list[NotebookNode]:
    """The outputs of one cell that can be shown, in order; whatever `outputs` is, nothing raises.

    most_bytes is for all of them together, pictures in base64; a long text loses its middle.
    """
    shown, left = [], most_bytes
    for made in _each(outputs[:MOST_OUTPUTS] if isinstance(outputs, list) else []):
        output = made(left)
        size = _size(output)
        if size > left:
            shown.append(_note(NO_MORE))
            return shown
        shown.append(output)
        left -= size
    if isinstance(outputs, list) and len(outputs) > MOST_OUTPUTS:
        shown.append(_note(NO_MORE))
    return shown


def _each(outputs) -> Iterator:
    """For every output that can be shown, a function of the bytes that are left."""
    for output in outputs:
        kind = output.get("output_type") if isinstance(output, dict) else None
        make = MAKERS.get(kind) if isinstance(kind, str) else None
        if make:
            yield lambda left, make=make, output=output: make(output, left)


def _stream(output, left) -> NotebookNode:
    name = "stderr" if output.get("name") == "stderr" else "stdout"
    return nbformat.v4.new_output("stream", name=name, text=harmless_text(output.get("text"), left))


def _error(output, left) -> NotebookNode:
    ename, evalue = (harmless_text(output.get(name), 1_000) for name in ("ename", "evalue"))
    frames = output.get("traceback")
    frames = [frame for frame in frames if isinstance(frame, str)] if isinstance(frames, list) else []
    frames = frames[-MOST_FRAMES:] or [f"{ename}: {evalue}"]
    text = harmless_text("\n".join(frames), left - 2_000)
    return nbformat.v4.new_output("error", ename=ename, evalue=evalue, traceback=[text])


def _result(output, left) -> NotebookNode:
    count = output.get("execution_count")
    plain = isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 1_000_000
    return nbformat.v4.new_output("execute_result", _data(output, left), execution_count=count if plain else None)


def _display(output, left) -> NotebookNode:
    return nbformat.v4.new_output("display_data", _data(output, left))


MAKERS = {"stream": _stream, "error": _error, "execute_result": _result, "display_data": _display}


def _data(output, left) -> dict[str, str]:
    """The richest representation that can be shown, and its text."""
    offered = output.get("data")
    offered = offered if isinstance(offered, dict) else {}
    offered = {kind: _joined(value) for kind, value in offered.items() if isinstance(kind, str)}
    source = offered.get("text/markdown") or offered.get("text/latex") or offered.get("text/plain")
    if len(offered.get("text/html", "")) <= left and (html := harmless_html(_whole(offered.get("text/html", "")))):
        return {"text/html": html, "text/plain": harmless_text(offered.get("text/plain"), max(left - _length(html), 0))}
    for kind in ("png", "jpeg"):
        data = offered.get(f"image/{kind}", "")
        if len(data) <= left and (written := picture(kind, data)):
            text = harmless_text(offered.get("text/plain"), left - len(written))
            return {f"image/{kind}": written, "text/plain": text}
    lost = next(
        (name for kind, name in NAMES.items() if kind in offered),
        "" if source or "text/plain" in offered else "an output of this kind",
    )
    if max((len(value) for value in offered.values()), default=0) > left:
        note = TOO_LARGE
    else:
        note = NOT_SHOWN.format(lost) if lost else ""
    return {"text/plain": "\n".join(filter(None, [harmless_text(source, left - 200), note]))}


def harmless_text(text, most_bytes: int) -> str:
    """A text without commands to a terminal but colours, its middle left out where it is too long."""
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in _whole(_joined(text)).split("\n"))
    colours = 0

    def keep(code):
        nonlocal colours
        colours += code[1] is not None
        return code[1] or "" if colours <= MOST_COLOURS else ""

    return _CODES.sub(keep, _cut(text, most_bytes))


def _cut(text, most_bytes):
    data = text.encode()
    if len(data) <= most_bytes:
        return text
    half = max(most_bytes - 100, 0) // 2
    head, tail = data[:half].decode(errors="ignore"), data[len(data) - half :].decode(errors="ignore")
    return head + CUT.format(len(data) - 2 * half) + tail


def _joined(value) -> str:
    """A text of notebooks, which may be a list of lines; empty where it is none."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    return value if isinstance(value, str) else ""


def _whole(text: str) -> str:
    """Halves of characters, which no file can hold, replaced."""
    return text.encode(errors="surrogatepass").decode(errors="replace")


def _note(text) -> NotebookNode:
    return nbformat.v4.new_output("display_data", {"text/plain": text})


def _size(output) -> int:
    return sum(_length(value) for value in (output.get("data") or output).values() if isinstance(value, str))


def _length(text) -> int:
    return len(text.encode())
