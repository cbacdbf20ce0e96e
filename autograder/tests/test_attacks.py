"""Hostile submissions are run for real, beside honest ones: none of them gets, learns, changes or breaks anything."""

from collections import Counter

import pytest

from autograder.jail import why_no_jail
from autograder.lesson import PROJECT
from autograder.tests.attacks import ATTACKS, FAMILIES
from autograder.tests.attacks.__main__ import END, START
from autograder.tests.attacks.breaches import active_markup
from autograder.tests.attacks.trial import run
from autograder.tests.attacks.world import planted

NO_JAIL = why_no_jail()
needs_a_jail = pytest.mark.skipif(NO_JAIL is not None, reason=NO_JAIL or "")


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    with planted(tmp_path_factory.mktemp("world")) as world:
        return {trial.attack.id: trial for trial in run(ATTACKS, world)}


@pytest.mark.slow
@needs_a_jail
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
def test_an_attack_achieves_nothing(attack, trials):
    assert trials[attack.id].breaches == ()


def test_every_family_has_attacks_and_every_attack_a_name_of_its_own():
    assert all(family.ATTACKS for family in FAMILIES)
    assert [name for name, count in Counter(attack.id for attack in ATTACKS).items() if count > 1] == []
    assert len(ATTACKS) >= 64


def test_the_page_on_security_lists_every_attack():
    page = (PROJECT / "autograder" / "SECURITY.md").read_text(encoding="utf-8")
    rows = [line for line in page.split(START)[1].split(END)[0].splitlines() if line.startswith("| ") and "`" in line]
    listed = [row.split("`")[1] for row in rows]
    assert listed == [attack.id for attack in ATTACKS]


# The attacks that only read and connect can be run without a jail, to see that it is the jail that holds them.
SEEN_WITHOUT_A_JAIL = {
    "read-seed": "a secret was read: private seed",
    "read-gradebook": "a secret was read: gradebook",
    "read-neighbour": "a secret was read: neighbour",
    "read-home": "a secret was read: home",
    "read-project": "a secret was read: a line of solutions/intuition.py",
    "net-loopback": "something arrived",
    "link-soft": "changed: ",
    "import-from-path": "softmax earned 4, and is worth 0",
}


@pytest.mark.slow
def test_without_a_jail_the_same_attacks_succeed_and_are_seen(tmp_path):
    missing = dict(SEEN_WITHOUT_A_JAIL)
    with planted(tmp_path) as world:
        for _ in range(3):  # on a busy machine a limit may stop an attack before it has done anything
            attacks = [attack for attack in ATTACKS if attack.id in missing]
            for trial in run(attacks, world, unsafe=True):
                if any(missing[trial.attack.id] in breach for breach in trial.breaches):
                    del missing[trial.attack.id]
            if not missing:
                break
    assert not missing


@pytest.mark.parametrize(
    "page",
    [
        "<script>OWNED</script>",
        "<img src=x onerror='OWNED'>",
        "<a href='javascript:OWNED'>x</a>",
        "<p style='background:url(//OWNED)'>x</p>",
        "<style>OWNED</style>",
    ],
)
def test_what_a_browser_would_run_is_seen(page):
    assert active_markup(f"<p>before</p>{page}")


def test_what_a_browser_only_shows_is_not_taken_for_a_script():
    assert active_markup("<pre>&lt;script&gt;OWNED&lt;/script&gt;</pre><p>OWNED</p>") == []
