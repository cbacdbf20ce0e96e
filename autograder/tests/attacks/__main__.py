"""`python -m autograder.tests.attacks [FAMILY or ID …]`: run attacks; exit 1 where one succeeds.

With `--write`, and all attacks, the table in autograder/SECURITY.md is brought up to date.
"""

import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from autograder.lesson import PROJECT
from autograder.tests.attacks import ATTACKS, FAMILIES
from autograder.tests.attacks.trial import Trial, run
from autograder.tests.attacks.world import planted

PAGE = PROJECT / "autograder" / "SECURITY.md"
START, END = "<!-- attacks -->", "<!-- end of attacks -->"


def main(arguments: Sequence[str]) -> int:
    wanted = [argument for argument in arguments if not argument.startswith("--")]
    attacks = [attack for attack in ATTACKS if not wanted or {attack.id, attack.family} & set(wanted)]
    trials = []
    with tempfile.TemporaryDirectory() as folder, planted(Path(folder)) as world:
        for trial in run(attacks, world):
            trials.append(trial)
            print(f"{trial.attack.id:24} {trial.seconds:5.1f} s  {'; '.join(trial.breaches) or 'held'}", flush=True)
    succeeded = [trial for trial in trials if trial.breaches]
    print(f"{len(succeeded)} of {len(trials)} attacks succeeded.")
    if "--write" in arguments and not wanted:
        _write(trials)
    return 1 if succeeded else 0


def table(trials: Sequence[Trial], when: date) -> str:
    """The results as Markdown, family by family."""
    by_id = {trial.attack.id: trial for trial in trials}
    succeeded = sum(bool(trial.breaches) for trial in trials)
    lines = [
        f"{succeeded} of {len(trials)} attacks succeeded, on {when.isoformat()}, {platform.system()} on "
        f"{platform.machine()}, Python {platform.python_version()}.",
        "",
        "| family | attack | what it tries | result |",
        "|---|---|---|---|",
    ]
    for family in FAMILIES:
        for attack in family.ATTACKS:
            trial = by_id[attack.id]
            result = "; ".join(trial.breaches).replace("|", "\\|") or "held"
            lines.append(f"| {attack.family} | `{attack.id}` | {_cell(attack.aim)} | {result} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


def _write(trials: Sequence[Trial]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(START)
    _, tail = rest.split(END)
    made = table(trials, date.today())
    PAGE.write_text(f"{head}{START}\n\n{made}\n\n{END}{tail}", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
