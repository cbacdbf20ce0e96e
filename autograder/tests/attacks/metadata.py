"""Attacks by what stands beside the code: points, ids, tags, locks, kernels."""

from autograder.tests.attacks.attack import Attack, edited, solution

FAMILY = "metadata"


def _points(notebook) -> None:
    for cell in notebook.cells:
        if "points" in cell.metadata.get("nbgrader", {}):
            cell.metadata["nbgrader"]["points"] = 4000
            cell.outputs = [
                {"output_type": "execute_result", "data": {"text/plain": "4.0"}, "metadata": {}, "execution_count": 1}
            ]


def _skip(notebook) -> None:
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "remove-output", "raises-exception", "nbval-skip"]
        cell.metadata["execution"] = {"timeout": -1, "allow_errors": True}


def _unlock(notebook) -> None:
    cell = solution(notebook, "check-softmax")
    cell.source = "4.0"
    cell.metadata["nbgrader"].update(locked=False, solution=True, checksum="")
    cell.metadata.update(editable=True, deletable=True)


def _swap(notebook) -> None:
    answer, grade = solution(notebook, "softmax"), solution(notebook, "check-softmax")
    answer.metadata, grade.metadata = grade.metadata, answer.metadata
    answer["id"], grade["id"] = grade["id"], answer["id"]
    answer.source = "4.0"


def _kernel(notebook) -> None:
    notebook.metadata["kernelspec"] = {
        "name": "../../evil",
        "display_name": "bash",
        "language": "bash",
        "argv": ["/bin/sh", "-c", "id"],
    }
    notebook.metadata["language_info"] = {"name": "bash"}
    notebook.metadata["nbgrader"] = {"version": 1}


def _schema(notebook) -> None:
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata["nbgrader"] |= {
                "schema_version": 99,
                "task": True,
                "points": float("nan"),
                "grade_id": "../../x",
            }


def _types(notebook) -> None:
    for cell in notebook.cells:
        cell.metadata = [1, 2] if cell.cell_type == "markdown" else {"nbgrader": "yes", "tags": {"a": 1}}
        cell["id"] = 7


def _extra(notebook) -> None:
    for name in ("check-extra", "check-softmax-2"):
        added = dict(solution(notebook, "check-softmax"), source="100.0", id=name)
        added["metadata"] = {"nbgrader": {**added["metadata"]["nbgrader"], "grade_id": name, "points": 100}}
        notebook.cells.append(added)


ATTACKS: tuple[Attack, ...] = (
    edited("meta-points", FAMILY, "a thousand times the points, and the output that earns them", _points),
    edited("meta-skip", FAMILY, "tags that keep cells from running", _skip),
    edited("meta-unlock", FAMILY, "the grade cell unlocked, and answered with 4.0", _unlock),
    edited("meta-swap", FAMILY, "answer and grade cell trade their ids and metadata", _swap),
    edited("meta-kernel", FAMILY, "a kernel of the attacker's own, with its command", _kernel),
    edited("meta-schema", FAMILY, "a schema of the future, points that are NaN, ids that climb", _schema),
    edited("meta-types", FAMILY, "metadata and ids of the wrong types", _types),
    edited("meta-extra", FAMILY, "graded cells that no lesson has", _extra),
)
