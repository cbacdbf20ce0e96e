"""A Sphinx extension: the project's docstrings, plain text with shapes, as reStructuredText.

A first sentence stays a paragraph. Lines of shapes (with an arrow) keep their line ends. Indented lines are code.
"""

import re

CODE = re.compile(r"`+([^`]+)`+")
SPECIAL = re.compile(r"([\\*_|<>])")


def setup(app):
    """Turns every docstring that autodoc reads into reStructuredText."""
    app.connect("autodoc-process-docstring", _process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def as_rst(lines: list[str]) -> list[str]:
    """The lines of a docstring, without its indentation → lines of reStructuredText that look alike."""
    made = []
    for paragraph in _paragraphs(lines):
        if all(line.startswith("  ") for line in paragraph):
            made += ["::", "", *(f"   {line}" for line in paragraph), ""]
        elif len(paragraph) > 1 and any("→" in line for line in paragraph):
            made += [f"| {escaped(line.strip())}" for line in paragraph] + [""]
        else:
            made += [escaped(line.strip()) for line in paragraph] + [""]
    return made


def escaped(text: str) -> str:
    """Plain text in which nothing is markup but `code`."""
    made, end = "", 0
    for found in CODE.finditer(text):
        made += SPECIAL.sub(r"\\\1", text[end : found.start()])
        made += "\\ " if made[-1:].isalnum() else ""
        made += f"``{found[1].strip()}``"
        end = found.end()
        made += "\\ " if text[end : end + 1].isalnum() else ""
    return made + SPECIAL.sub(r"\\\1", text[end:])


def _paragraphs(lines: list[str]) -> list[list[str]]:
    text = "\n".join(lines).strip("\n")
    return [paragraph.split("\n") for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]


def _process(app, what, name, found, options, lines):
    lines[:] = as_rst(lines)
