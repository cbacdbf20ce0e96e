"""Whatever lies at the place of a notebook: its bytes, or a sentence, and never a file outside."""

import os
from pathlib import PurePath

import pytest

from autograder.handed_in import read_handed_in

PLACE = PurePath("ada", "01_intuition", "01_intuition.ipynb")
SECRET = "the gradebook"


@pytest.fixture
def submitted(tmp_path):
    (tmp_path / "secret").write_text(SECRET)
    root = tmp_path / "submitted"
    (root / PLACE).parent.mkdir(parents=True)
    return root


def test_a_file_is_read_byte_for_byte(submitted):
    (submitted / PLACE).write_bytes(b"\xff\x00{}")
    found = read_handed_in(submitted, PLACE)
    assert (found.raw, found.problem) == (b"\xff\x00{}", "")


def link_of_the_file(place, secret):
    place.symlink_to(secret)


def climbing_link(place, secret):
    place.symlink_to("../../../secret")


def link_of_the_folder(place, secret):
    place.parent.rmdir()
    (secret.parent / "elsewhere").mkdir()
    (secret.parent / "elsewhere" / place.name).write_text(SECRET)
    place.parent.symlink_to(secret.parent / "elsewhere")


def folder(place, secret):
    place.mkdir()


def pipe(place, secret):
    os.mkfifo(place)


def device(place, secret):
    place.symlink_to("/dev/zero")


def file_for_a_folder(place, secret):
    place.parent.rmdir()
    place.parent.write_text(SECRET)


@pytest.mark.parametrize(
    "odd", [link_of_the_file, climbing_link, link_of_the_folder, folder, pipe, device, file_for_a_folder]
)
def test_what_is_no_plain_file_in_the_learners_folder_is_not_read(submitted, odd):
    odd(submitted / PLACE, submitted.parent / "secret")
    found = read_handed_in(submitted, PLACE)
    assert found.raw == b""
    assert "not a plain file" in found.problem


def test_a_missing_file_is_told(submitted):
    assert "No notebook was handed in" in read_handed_in(submitted, PLACE).problem
    assert "No notebook was handed in" in read_handed_in(submitted, PurePath("bea", "x", "x.ipynb")).problem


def test_a_notebook_under_another_name_is_told_by_that_name(submitted):
    (submitted / PLACE).with_name(f"{PLACE.stem}-1.ipynb").write_text("{}")
    problem = read_handed_in(submitted, PLACE).problem
    assert f"There is `{PLACE.stem}-1.ipynb`: is that it? Then rename it." in problem
    (submitted / PLACE).with_name("`another`\n.ipynb").write_text("{}")
    assert "There is" not in read_handed_in(submitted, PLACE).problem


def test_an_enormous_file_is_not_opened(submitted):
    with (submitted / PLACE).open("wb") as file:
        file.truncate(3_000_001)
    assert len(read_handed_in(submitted, PLACE, most_bytes=3_000_001).raw) == 3_000_001
    found = read_handed_in(submitted, PLACE, most_bytes=3_000_000)
    assert found.raw == b"" and "larger than 3 MB" in found.problem


def test_a_path_that_climbs_is_a_defect_of_ours(submitted):
    with pytest.raises(ValueError, match="does not lie in"):
        read_handed_in(submitted, PurePath("..", "secret"))


def test_a_name_cannot_write_into_the_sentence(submitted):
    problem = read_handed_in(submitted, PurePath("ada", "`x`\n\x1b[2J.ipynb")).problem
    assert problem.isprintable() and problem.count("`") == 2
