"""What somebody measured on a GPU, for those who have none: data/gpu_times.json, where that file is there."""

import json

from attention_lab.sentences import DATA

FILE = DATA / "gpu_times.json"


def measured_on_gpu(path=FILE):
    """The table of attention's times on a GPU, which says where and when it was measured; or that there is none.

    `python -m autograder.measure_on_gpu` writes the file.
    → a text
    """
    if not path.is_file():
        return "Nobody has measured this on a GPU yet: no data/gpu_times.json is here."
    found = json.loads(path.read_text(encoding="utf-8"))
    lines = [
        f"NOT measured on your machine, but on {found['device']}, {found['date']}",
        f"({found['versions']}; {found['inputs']}). Milliseconds, and megabytes of the tensors:",
        "",
        f"{'attention':10}{'n':>8}{'ms':>12}{'MB':>12}",
    ]
    for row in found["rows"]:
        lines.append(f"{row['attention']:10}{row['n']:8}{1000 * row['seconds']:12.3f}{row['bytes'] / 1e6:12.1f}")
    return "\n".join(lines)
