"""The attention explorer, without a browser: what it shows, what it refuses, and what stands in for it."""

import base64
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from attention_lab import explore, explorer_page, load_attention, load_head, load_sentence, sentence_names
from attention_lab.explorer import page, script, style
from attention_lab.explorer_choices import SCALES, shown_of
from numpy.testing import assert_allclose
from traitlets import TraitError

from autograder.harmless import harmless
from solutions.masking import causal_mask, masked_attention, padding_mask
from solutions.queries_keys_values import attention
from solutions.scaling import scaled_dot_product_attention

WIDGET = "application/vnd.jupyter.widget-view+json"
TOKENS = ["<b>one</b>", "two", "</script>", "four", "two"]
OWN = np.random.default_rng(11).dirichlet(np.ones(5), size=(3, 5))  # 3 heads of 5 tokens


@pytest.mark.parametrize("name", sentence_names())
def test_every_head_of_every_layer_shows_the_models_own_weights(name):
    model = load_attention(name)
    for layer in range(6):
        for head in range(12):
            assert_allclose(shown_of(name, layer=layer, head=head).weights, model[layer, head], atol=1e-6)


@pytest.mark.parametrize(
    ("choices", "share"),
    [({}, 0.677), ({"scale": "none"}, 1.000), ({"scale": "d_k"}, 0.124), ({"mask": "causal"}, 0.702)],
)
def test_it_looks_at_animal_as_the_lessons_say(choices, share):
    assert round(explore(**choices).weights[10, 2], 3) == share
    assert f'"animal" {share:.3f}' in repr(explore(**choices))


def test_scale_and_masks_are_those_of_the_reference():
    sentence, part = load_sentence("wide"), load_head(0, 7)
    query, key, value = (
        sentence.hidden[0] @ weight + bias
        for weight, bias in [(part.w_q, part.b_q), (part.w_k, part.b_k), (part.w_v, part.b_v)]
    )
    n = len(query)
    for mask, may in [("none", None), ("causal", causal_mask(n)), ("padding", padding_mask([n - n // 5], n)[0])]:
        expected = masked_attention(query, key, value, may)[1]
        assert_allclose(explore("wide", layer=0, head=7, mask=mask).weights, expected, atol=1e-10)
    expected = attention(query / 7, key, value)[1]
    assert_allclose(explore("wide", layer=0, head=7, scale=7).weights, expected, atol=1e-10)


def test_a_function_of_ones_own_is_shown_with_the_masks_that_it_takes():
    unmasked = explore("river", attention=scaled_dot_product_attention, layer=0, head=5)
    assert_allclose(unmasked.weights, load_attention("river")[0, 5], atol=1e-6)
    assert shown_of("river", attention=scaled_dot_product_attention).controls == ("layer", "head")
    masked = explore("river", attention=masked_attention, mask="causal")
    assert_allclose(masked.weights, explore("river", mask="causal").weights, atol=1e-10)
    assert_allclose(np.triu(masked.weights, 1), 0)


def test_a_function_that_spoils_its_inputs_does_not_spoil_the_next_head():
    def spoils(query, key, value):
        answer = attention(query, key, value)
        query[:], key[:], value[:] = 0, 0, 0
        return answer

    assert_allclose(explore(attention=spoils).weights, explore(attention=attention).weights)


def test_weights_of_ones_own_are_shown_as_they_are():
    odd = OWN * 1.7
    odd[0, 0, 0] = np.nan
    assert_allclose(explore(tokens=TOKENS, weights=odd, head=2).weights, odd[2])
    assert_allclose(explore(tokens=TOKENS, weights=odd).weights, odd[0])
    assert_allclose(explore("tired", weights=np.eye(16)).weights, np.eye(16))
    assert shown_of(tokens=TOKENS, weights=OWN[0]).controls == ()
    assert shown_of(tokens=TOKENS, weights=OWN.tolist()).controls == ("head",)


def square(query, key, value):
    return query @ key.T


REFUSED = {
    "no sentence 'tird'": lambda: explore("tird"),
    "no layer 6": lambda: explore(layer=6),
    "no layer 2 here: choose one of 0, 3": lambda: explore(attention=attention, layer=2),
    "no head 12": lambda: explore(head=12),
    "'dog' is none of the tokens": lambda: explore(token="dog"),
    "'the' occurs 2 times": lambda: explore(token="the"),
    "there is no mask 'past'": lambda: explore(mask="past"),
    "scale is 0": lambda: explore(scale=0),
    "scale is 'sqrt'": lambda: explore(scale="sqrt"),
    "controls is 'layer'": lambda: explore(controls="layer"),
    "controls is ['zoom']": lambda: explore(controls=["zoom"]),
    "of layer 2 only weights are known": lambda: explore(layer=2, mask="causal"),
    "exclude each other": lambda: explore(weights=np.eye(16), attention=attention),
    "tokens=… need weights": lambda: explore(tokens=TOKENS),
    "weights=… need tokens": lambda: explore(weights=OWN),
    "not both": lambda: explore("tired", tokens=TOKENS, weights=OWN),
    "weights has shape (3, 5): give (n, n)": lambda: explore(tokens=TOKENS, weights=OWN[:, 0]),
    "weights has shape (1, 3, 5, 5)": lambda: explore(tokens=TOKENS, weights=OWN[None]),
    "weights has shape (3, 5, 5), but there are 4 tokens": lambda: explore(tokens=TOKENS[:4], weights=OWN),
    "the tokens are one text": lambda: explore(tokens="one two", weights=OWN),
    "weights holds something other than numbers": lambda: explore(tokens=TOKENS, weights=[["a"]]),
    "your own weights have no layers": lambda: explore(tokens=TOKENS, weights=OWN, layer=0),
    "your own weights are shown as they are": lambda: explore(tokens=TOKENS, weights=OWN, mask="causal"),
    "not a function": lambda: explore(attention=3),
    "attention scales as it was written": lambda: explore(attention=attention, scale="d_k"),
    "attention takes no mask": lambda: explore(attention=attention, mask="causal"),
    "square returned ndarray: return a pair": lambda: explore(attention=square),
    "Is the pair swapped": lambda: explore(attention=lambda q, k, v: attention(q, k, v)[::-1]),
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_cannot_be_shown_is_refused_in_one_sentence(said):
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        REFUSED[said]()
    assert "\n" not in str(refused.value)


def test_choices_can_be_set_and_read_from_python():
    figure = explore(layer=0)
    figure.layer, figure.head, figure.mask = 3, 1, "causal"
    assert figure.weights[10, 2] == explore(mask="causal").weights[10, 2]
    assert "causal" in repr(figure)
    for name, value in [("layer", 7), ("head", 12), ("token", 16), ("mask", "past"), ("divisor", 0.0), ("real", 0)]:
        with pytest.raises(TraitError):
            setattr(figure, name, value)


def test_what_the_browser_is_sent_is_what_was_computed():
    sent = json.loads(json.dumps(explore("bat").data))
    assert sent["tokens"] == list(load_sentence("bat").tokens)
    model = load_attention("bat")
    for layer in sent["layers"]:
        array = np.frombuffer(base64.b64decode(layer["arrays"]["none"]), "<f4").reshape(12, 8, 8)
        if layer["kind"] == "scores":
            raised = np.exp(array / SCALES["sqrt_d_k"])
            array = raised / raised.sum(axis=-1, keepdims=True)
        assert_allclose(array, model[layer["name"]], atol=1e-5)


def test_where_no_widget_is_shown_the_still_figure_stands_in():
    data, _ = explore()._repr_mimebundle_()
    assert WIDGET in data
    assert '"animal" 0.677' in data["text/plain"]
    assert "<img alt=" in data["text/html"] and "data:image/png;base64" in data["text/html"]


def test_the_still_figure_comes_through_the_grading_of_a_class():
    data, metadata = explore()._repr_mimebundle_()
    output = {"output_type": "execute_result", "data": data, "metadata": metadata, "execution_count": 1}
    (shown,) = harmless([output])
    assert "data:image/png;base64" in shown["data"]["text/html"]
    assert "animal" in shown["data"]["text/html"]
    assert WIDGET not in shown["data"]


def test_without_anywidget_the_still_figure_says_how_to_get_the_other(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "attention_lab.explorer_widget", raising=False)
    figure = explore(mask="causal")
    data = figure._repr_mimebundle_()
    assert WIDGET not in data
    assert "<img" in data["text/html"] and "pip install anywidget" in data["text/html"]
    assert '"animal" 0.702' in data["text/plain"] and "pip install anywidget" in data["text/plain"]
    assert figure.weights.shape == (16, 16)


def test_a_web_site_gets_the_page_from_the_same_cell(monkeypatch):
    monkeypatch.setenv("ATTENTION_LAB_EXPLORER", "page")
    assert explore("bat")._repr_mimebundle_()["text/html"] == explorer_page("bat")


def test_neither_anywidget_nor_matplotlib_is_loaded_before_it_is_needed():
    code = "import sys, attention_lab; print({'anywidget', 'ipywidgets', 'matplotlib'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "set()"


def test_the_script_is_small_and_asks_for_nothing():
    both = script() + style()
    assert len(both.encode()) < 40_000
    for request in ("http", "//cdn", "import ", "import(", "require", "fetch", "XMLHttp", "@import", "url(http"):
        assert request not in re.sub(r"^\s*//.*$|/\*.*?\*/", "", both, flags=re.MULTILINE | re.DOTALL), request


def test_no_text_of_the_data_can_become_markup():
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", script())
    html = page(shown_of(tokens=TOKENS, weights=OWN))
    assert html.count("</script>") == 2, "that of the numbers, and that of the module"
    assert "<b>one" not in html
    state = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)[1])
    assert state["data"]["tokens"] == TOKENS
