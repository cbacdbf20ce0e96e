"""The script that makes the data, without the published files: what it refuses, and how it cuts words."""

import hashlib
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture
def script(monkeypatch):
    """The modules of data/, which is no package: `script("weights_file")`."""
    monkeypatch.syspath_prepend(str(DATA))
    return importlib.import_module


def test_a_wrong_weights_file_stops_the_script_before_it_writes(tmp_path):
    impostor = tmp_path / "model.safetensors"
    impostor.write_bytes(b"\2\0\0\0\0\0\0\0{}")
    command = [sys.executable, DATA / "make_data.py", impostor, "--out", tmp_path / "out"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.startswith("These are not the weights of all-MiniLM-L6-v2")
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


def test_a_wrong_vocabulary_stops_the_script_too(tmp_path, script, monkeypatch):
    weights_file = script("weights_file")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "vocab.txt").write_text("the\nanimal\n")
    monkeypatch.setattr(weights_file, "WEIGHTS_SHA256", hashlib.sha256(b"weights").hexdigest())
    for path in (tmp_path, tmp_path / "model.safetensors"):
        with pytest.raises(weights_file.WrongFile, match="not the vocabulary"):
            weights_file.read_model(path)


def test_a_missing_file_is_told_in_a_sentence(tmp_path, script):
    weights_file = script("weights_file")
    with pytest.raises(weights_file.WrongFile, match=r"no model\.safetensors in the folder"):
        weights_file.read_model(tmp_path)
    with pytest.raises(weights_file.WrongFile, match="There is no file"):
        weights_file.read_model(tmp_path / "nowhere")


def test_the_script_needs_numpy_alone():
    others = "torch transformers safetensors scipy attention_lab solutions autograder"
    code = f"import make_data, sys; sys.exit(len(set({others!r}.split()) & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=DATA).returncode == 0


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It  didn't!", "[CLS] it didn ' t ! [SEP]"),
        ("Unaffable", "[CLS] un ##aff ##able [SEP]"),
        ("Éa $5", "[CLS] ea $ [UNK] [SEP]"),
        ("", "[CLS] [SEP]"),
    ],
)
def test_words_are_cut_into_the_longest_pieces_known(script, text, tokens):
    pieces = "it didn ' t ! u un ##a ##aff ##able ##ble e ea $"
    known = {piece: number for number, piece in enumerate(pieces.split())}
    assert script("wordpiece").tokenize(text, known) == tokens.split()
