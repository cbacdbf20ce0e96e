"""The numbers of the course, from the committed data: layer 3, head 1, row "it" unless a test says else."""

import runpy

import numpy as np
import pytest
from attention_lab.sentences import load_attention, load_head, load_sentence

from autograder.command import ROOT
from solutions.intuition import plain_self_attention, softmax


def scores(name: str) -> np.ndarray:
    """q·k of head 1 of layer 3, unscaled: the row of "it"."""
    sentence, head = load_sentence(name), load_head(3, 1)
    query = sentence.hidden[3] @ head.w_q + head.b_q
    key = sentence.hidden[3] @ head.w_k + head.b_k
    return (query @ key.T)[sentence.index("it")]


def head_weights(name: str, layer: int, head_number: int) -> np.ndarray:
    x, head = load_sentence(name).hidden[layer], load_head(layer, head_number)
    return softmax((x @ head.w_q + head.b_q) @ (x @ head.w_k + head.b_k).T / np.sqrt(32))


def to(token: str, row: np.ndarray, name: str = "tired") -> float:
    return row[load_sentence(name).index(token)]


def entropy(row: np.ndarray) -> float:
    return -(row * np.log(row)).sum()


def jacobian_norm(row: np.ndarray) -> float:
    return float(np.linalg.norm(np.diag(row) - np.outer(row, row)))


def bank_cosine(name: str, other: str, layer: int) -> float:
    sentences = load_sentence(name), load_sentence(other)
    one, two = (sentence.hidden[layer][sentence.index("bank")] for sentence in sentences)
    return one @ two / np.linalg.norm(one) / np.linalg.norm(two)


def test_the_model_sends_it_to_animal():
    row = softmax(scores("tired") / np.sqrt(32))
    looked_at = [to(token, row) for token in ("animal", "street", "it")]
    assert looked_at == pytest.approx([0.677, 0.050, 0.064], abs=5e-4)
    assert entropy(row) == pytest.approx(1.264, abs=5e-4)
    assert jacobian_norm(row) == pytest.approx(0.288, abs=5e-4)


def test_without_scaling_animal_takes_all():
    row = softmax(scores("tired"))
    assert to("animal", row) == pytest.approx(1.0000, abs=5e-5)
    assert entropy(row) == pytest.approx(0.0003, abs=5e-5)
    assert jacobian_norm(row) == pytest.approx(4.5e-5, abs=5e-7)


def test_divided_by_d_k_it_is_nearly_flat():
    row = softmax(scores("tired") / 32)
    assert to("animal", row) == pytest.approx(0.124, abs=5e-4)
    assert entropy(row) == pytest.approx(2.717, abs=5e-4)
    assert jacobian_norm(row) == pytest.approx(0.253, abs=5e-4)


def test_a_causal_it_finds_animal_too():
    past = load_sentence("tired").index("it") + 1
    assert to("animal", softmax(scores("tired")[:past] / np.sqrt(32))) == pytest.approx(0.702, abs=5e-4)


def test_wide_lowers_animal_and_raises_street():
    row = softmax(scores("wide") / np.sqrt(32))
    assert to("animal", row, "wide") == pytest.approx(0.281, abs=5e-4)
    assert to("street", row, "wide") == pytest.approx(0.121, abs=5e-4)
    assert entropy(row) == pytest.approx(1.884, abs=5e-4)


def test_without_projections_it_looks_at_itself():
    sentence = load_sentence("tired")
    x, it = sentence.hidden[3], sentence.index("it")
    row = plain_self_attention(x)[1][it]
    assert row[it] == pytest.approx(1.000, abs=5e-4) and to("animal", row) == pytest.approx(0, abs=5e-4)
    assert softmax(x @ x.T / np.sqrt(384))[it, it] == pytest.approx(0.771, abs=5e-4)


def test_layer_0_head_2_looks_at_the_previous_token():
    assert np.diagonal(head_weights("tired", 0, 2), -1).mean() == pytest.approx(0.9999, abs=5e-5)


def test_layer_0_head_10_sends_half_of_bank_to_vault():
    row = head_weights("vault", 0, 10)[load_sentence("vault").index("bank")]
    assert to("vault", row, "vault") == pytest.approx(0.51, abs=5e-3)


def test_the_two_banks_part_and_the_two_river_banks_less_so():
    assert bank_cosine("river", "money", 0) == pytest.approx(0.988, abs=5e-4)
    assert bank_cosine("river", "money", 6) == pytest.approx(0.824, abs=5e-4)
    assert bank_cosine("river", "muddy", 0) == pytest.approx(0.967, abs=5e-4)
    assert bank_cosine("river", "muddy", 6) == pytest.approx(0.894, abs=5e-4)


def test_the_models_own_attention_is_what_its_stored_weights_give():
    sentence, own = load_sentence("tired"), load_attention("tired")
    it, animal = sentence.index("it"), sentence.index("animal")
    assert own.shape == (6, 12, 16, 16)
    assert own[3, 1, it, animal] == pytest.approx(0.677, abs=5e-4)
    assert own[5, 11, it, animal] == pytest.approx(0.673, abs=5e-4)
    np.testing.assert_allclose(own.sum(axis=-1), 1, atol=1e-5)


def test_no_head_sends_most_of_it_to_street_when_the_street_is_too_wide():
    sentence, own = load_sentence("wide"), load_attention("wide")
    assert own[:, :, sentence.index("it"), sentence.index("street")].max() < 0.25


def test_the_figure_of_the_readme_shows_what_the_references_compute():
    path = ROOT / "lessons" / "source" / "readme_figure.py"
    script = runpy.run_path(str(path), run_name="figure")
    tokens = load_sentence("tired").tokens
    row, column = tokens.index("it"), tokens.index("animal")
    found = [round(float(weights[row, column]), 3) for weights in script["stages"]().values()]
    assert found == [0.0, 1.0, 0.677, 0.702, 0.677, 0.677]
