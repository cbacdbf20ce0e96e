"""The committed data: whole, as small as promised, and loaded as promised."""

import hashlib
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from attention_lab import sentences
from attention_lab.sentences import (
    load_after_attention,
    load_attention_layer,
    load_head,
    load_sentence,
    sentence_names,
)
from numpy.testing import assert_allclose

DATA = Path(__file__).resolve().parents[2] / "data"
CHECKSUMS = dict(reversed(line.split()) for line in (DATA / "checksums.txt").read_text().splitlines())


@pytest.mark.parametrize("name", CHECKSUMS)
def test_every_file_is_the_one_that_was_made(name):
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == CHECKSUMS[name]


def test_every_made_file_has_a_checksum():
    made = [path for path in DATA.rglob("*") if path.suffix in {".npy", ".npz", ".json"}]
    made = [path for path in made if path.name != "gpu_times.json"]  # measured, where there is a GPU
    assert {path.relative_to(DATA).as_posix() for path in made} == set(CHECKSUMS)


def test_the_data_stay_below_ten_megabytes():
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 10_000_000


def test_the_readme_shows_every_sentence_and_both_hashes():
    readme = (DATA / "README.md").read_text()
    index = sentences._index()
    for name in sentence_names():
        assert f"| `{name}` | {load_sentence(name).text} |" in readme
    assert index["weights_sha256"] in readme and index["vocabulary_sha256"] in readme


def test_the_sentences_that_the_course_names_are_here():
    named = {"tired", "wide", "bat", "bat_ball", "vault", "river", "muddy", "money", "loan"}
    assert named < set(sentence_names()) and len(sentence_names()) == 16
    assert load_sentence("tired").text == "The animal didn't cross the street because it was too tired."
    assert load_sentence("wide").text == "The animal didn't cross the street because it was too wide."


@pytest.mark.parametrize("name", sentence_names())
def test_every_token_has_a_vector_before_each_layer_and_after_the_last(name):
    sentence = load_sentence(name)
    assert sentence.hidden.shape == (7, len(sentence.tokens), 384)
    assert sentence.hidden.dtype == np.float64 and np.isfinite(sentence.hidden).all()
    assert (sentence.tokens[0], sentence.tokens[-1]) == ("[CLS]", "[SEP]")


@pytest.mark.parametrize("layer", [0, 3])
def test_the_heads_side_by_side_are_the_layer(layer):
    full = load_attention_layer(layer)
    heads = [load_head(layer, number) for number in range(12)]
    for name in ("w_q", "b_q", "w_k", "b_k", "w_v", "b_v"):
        assert_allclose(np.concatenate([getattr(head, name) for head in heads], axis=-1), getattr(full, name))
    assert heads[0].w_q.shape == (384, 32) and heads[0].b_q.shape == (32,)
    assert full.w_o.shape == (384, 384) and full.b_o.shape == (384,)


@pytest.mark.parametrize("layer", [0, 3])
@pytest.mark.parametrize("name", sentence_names())
def test_what_leaves_the_attention_is_normalised_with_the_stored_weights(name, layer):
    after, full = load_after_attention(name, layer), load_attention_layer(layer)
    assert after.shape == load_sentence(name).hidden[layer].shape
    plain = (after - full.norm_bias) / full.norm_weight
    assert_allclose(plain.mean(axis=-1), 0, atol=1e-5)
    assert_allclose(plain.std(axis=-1), 1, atol=1e-5)


def test_nobody_can_spoil_what_everybody_shares():
    sentence = load_sentence("bat")
    assert load_sentence("bat") is sentence
    for array in (sentence.hidden, load_head(0, 2).w_q, load_attention_layer(3).b_o, load_after_attention("bat", 0)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(FrozenInstanceError):
        sentence.text = "The bat slept."


@pytest.mark.parametrize(
    ("load", "says"),
    [
        (lambda: load_sentence("tierd"), r"no sentence 'tierd'.* tired wide bat .* long\."),
        (lambda: load_head(1, 0), r"layer 1, only of the layers 0 3\."),
        (lambda: load_attention_layer(6), r"layer 6, only of the layers 0 3\."),
        (lambda: load_after_attention("bat", 1), r"layer 1, only of the layers 0 3\."),
        (lambda: load_after_attention("tierd", 3), r"no sentence 'tierd'"),
        (lambda: load_head(3, 12), r"no head 12.* 0 to 11\."),
        (lambda: load_head(3, -1), r"no head -1.* 0 to 11\."),
        (lambda: load_sentence("bat").index("It"), r"no token 'It' in 'bat'.*\[CLS\] the bat .* \[SEP\]"),
    ],
)
def test_what_is_not_here_is_told_with_what_is(load, says):
    with pytest.raises(ValueError, match=says):
        load()


def test_missing_data_are_told_in_a_sentence(tmp_path, monkeypatch):
    sentences._index.cache_clear()
    monkeypatch.setattr(sentences, "DATA", tmp_path / "data")
    with pytest.raises(FileNotFoundError, match="not where they should be"):
        load_sentence("tired")
