"""Attacks on whoever looks at the graded notebook: scripts, frames, styles and links in everything that is shown.

OWNED stands where a browser would run, load or follow something.
"""

import nbformat

from autograder.tests.attacks.attack import WORTHLESS, Attack, code, edited

FAMILY = "markup"

HOSTILE = (
    "<script>OWNED</script><img src=x onerror='OWNED'><svg onload='OWNED'><svg><script>OWNED</script></svg></svg>"
    "<iframe srcdoc='<script>OWNED</script>'></iframe><a href='javascript:OWNED'>click</a>"
    "<object data='//OWNED'></object>"
    "<form action='//OWNED'><button formaction='javascript:OWNED'>grade</button></form><base href='//OWNED'>"
    "<meta http-equiv=refresh content='0;url=//OWNED'><link rel=stylesheet href='//OWNED'>"
    "<style>@import '//OWNED';</style>"
    "<div style='background:url(//OWNED);position:fixed;inset:0'>x</div><math href='javascript:OWNED'></math>"
    "<ScRiPt >OWNED</sCrIpT><img src='data:image/svg+xml,<svg onload=OWNED>'><details ontoggle=OWNED open>"
    "<img src='//OWNED'>"
    "<!--><script>OWNED</script>--><noscript><p title='</noscript><script>OWNED</script>'></noscript>"
)

HIDE = (
    "<style>section{display:none}OWNED</style><div class='OWNED' id='jp-main' style='position:absolute;top:0;left:0;"
    "width:9999px;height:9999px;z-index:9999;background-image:url(//OWNED)'>4 of 4 points</div>"
)


def _display(id: str, aim: str, *bundles: str) -> Attack:
    body = "\n".join(f"display({bundle}, raw=True)" for bundle in bundles)
    return code(id, FAMILY, aim, first=f"from IPython.display import display\nHOSTILE = {HOSTILE!r}\n{body}")


def _markdown(notebook) -> None:
    notebook.cells.insert(
        1, nbformat.v4.new_markdown_cell(HOSTILE + "\n\n[x](javascript:OWNED) ![x](//OWNED) <javascript:OWNED>")
    )
    notebook.cells.insert(2, nbformat.v4.new_raw_cell(HOSTILE, metadata={"raw_mimetype": "text/html"}))
    attached = nbformat.v4.new_markdown_cell("![x](attachment:x.svg)")
    attached["attachments"] = {"x.svg": {"image/svg+xml": "PHN2ZyBvbmxvYWQ9Ik9XTkVEIi8+"}}
    notebook.cells.insert(3, attached)
    notebook.cells[4].source += "\n# </script></pre>" + HOSTILE


def _outputs(notebook) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                nbformat.v4.new_output(
                    "execute_result", {"text/html": HOSTILE, "text/plain": "4.0"}, execution_count=1
                ),
                nbformat.v4.new_output("display_data", {"application/javascript": "OWNED"}),
            ]


def _names(notebook) -> None:
    notebook.metadata["title"] = notebook.metadata["kernelspec"]["display_name"] = HOSTILE
    notebook.metadata["language_info"] = {
        "name": HOSTILE,
        "mimetype": "text/html",
        "pygments_lexer": HOSTILE,
        "version": "1",
    }
    notebook.metadata["authors"] = [{"name": HOSTILE}]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f'{number}"><script>OWNED</script>'
        cell.metadata["tags"] = [HOSTILE, "hide-input", "remove-cell"]
        cell.metadata["name"] = HOSTILE


ATTACKS: tuple[Attack, ...] = (
    _display("markup-html", "HTML with scripts in every disguise", '{"text/html": HOSTILE, "text/plain": HOSTILE}'),
    _display(
        "markup-script",
        "JavaScript as JavaScript, in every type that runs",
        '{"application/javascript": "OWNED"}',
        '{"text/javascript": "OWNED"}',
        '{"application/ecmascript": "OWNED"}',
        '{"module": "OWNED"}',
    ),
    _display(
        "markup-svg",
        "scripts in SVG, and in things that say they are PNG or JPEG",
        "{\"image/svg+xml\": \"<svg xmlns='http://www.w3.org/2000/svg' onload='OWNED'><script>OWNED</script></svg>\"}",
        '{"image/png": "\\"><script>OWNED</script>"}',
        '{"image/jpeg": "x\' onerror=\'OWNED"}',
        '{"image/gif": HOSTILE}',
    ),
    _display(
        "markup-widgets",
        "widget state, Plotly, Vega, Bokeh and JSON that a front end would run",
        '{"application/vnd.jupyter.widget-view+json": {"model_id": HOSTILE, "version_major": 2}}',
        '{"application/vnd.plotly.v1+json": {"data": HOSTILE}}',
        '{"application/vnd.bokehjs_exec.v0+json": HOSTILE}',
        '{"application/vnd.vegalite.v5+json": {"$schema": HOSTILE}}',
        '{"application/json": {"x": HOSTILE}}',
    ),
    _display(
        "markup-text",
        "Markdown and LaTeX that hold HTML, and links that run",
        '{"text/markdown": HOSTILE + "\\n\\n[x](javascript:OWNED)"}',
        '{"text/latex": "$\\\\href{javascript:OWNED}{x}$" + HOSTILE}',
        '{"application/pdf": "OWNED"}',
        '{"text/x-python": HOSTILE}',
    ),
    code(
        "markup-streams",
        FAMILY,
        "tags and terminal codes in prints, warnings and tracebacks",
        first=f"""\
import sys, warnings
HOSTILE = {HOSTILE!r}
print(HOSTILE, "\\x1b[31m", "\\x1b]8;;javascript:OWNED\\x1b\\\\click\\x1b]8;;\\x1b\\\\", "\\x00\\x08\\u202e")
print("</pre></div>" + HOSTILE, file=sys.stderr)
warnings.warn(HOSTILE)
raise type(HOSTILE, (Exception,), {{}})(HOSTILE)""",
        answers={
            "softmax": "def softmax(scores, axis=-1):\n"
            f"    raise type({HOSTILE[:80]!r}, (ValueError,), {{}})({HOSTILE!r})"
        },
    ),
    code(
        "markup-magics",
        FAMILY,
        "%%javascript, %%html, %%svg and %%latex",
        first="%%javascript\nOWNED".replace(
            "%%javascript", "get_ipython().run_cell_magic('javascript', '', 'OWNED')  #"
        ),
        last=f"%%html\n{HOSTILE}",
    ),
    edited("markup-cells", FAMILY, "scripts in Markdown, raw and code cells, and in attachments", _markdown),
    edited("markup-outputs", FAMILY, "outputs handed in with the notebook", _outputs),
    edited("markup-names", FAMILY, "scripts in ids, tags, titles, kernels and languages", _names),
    code(
        "markup-hide",
        FAMILY,
        "a style that hides or repaints the verdict",
        first=f"from IPython.display import HTML\nHTML({HIDE!r})",
        answers={"softmax": WORTHLESS},
    ),
)
