"""Hostile submissions, by family. Each is run for real beside honest neighbours; see autograder/SECURITY.md.

`python -m autograder.tests.attacks` runs them all and prints the table of SECURITY.md.
"""

from autograder.tests.attacks import (
    bombs,
    broken_files,
    cells,
    equal_to_anything,
    forgery,
    hooks,
    imports,
    links,
    markup,
    metadata,
    network,
    patched,
    reading,
    survivors,
    walks,
    writing,
)
from autograder.tests.attacks.attack import Attack

FAMILIES = (
    patched,
    equal_to_anything,
    walks,
    hooks,
    imports,
    reading,
    writing,
    links,
    survivors,
    bombs,
    network,
    forgery,
    markup,
    metadata,
    cells,
    broken_files,
)
ATTACKS: tuple[Attack, ...] = tuple(attack for family in FAMILIES for attack in family.ATTACKS)
