"""Draw the figure of the README from the references: `python lessons/source/readme_figure.py`."""

import io
from pathlib import Path

import numpy as np
import torch
from attention_lab import load_attention_layer, load_head, load_sentence, plot_links, sentence_names
from PIL import Image

from solutions.batched_gpu import batched_attention
from solutions.intuition import plain_self_attention
from solutions.masking import causal_mask, masked_attention, padding_mask
from solutions.multi_head import MultiHeadAttention
from solutions.queries_keys_values import attention, project
from solutions.scaling import scaled_dot_product_attention

PLACE = Path(__file__).with_name("it_finds_animal.png")
COLUMNS = 2


def stages() -> dict[str, np.ndarray]:
    """What each lesson's reference makes of the sentence: a title, and the weights (16, 16)."""
    sentence, head = load_sentence("tired"), load_head(3, 1)
    x = sentence.hidden[3]
    query, key, value = (
        project(x, weight, bias) for weight, bias in ((head.w_q, head.b_q), (head.w_k, head.b_k), (head.w_v, head.b_v))
    )
    return {
        "1 · Plain self-attention: “it” finds itself": plain_self_attention(x)[1],
        "2 · Queries, keys, values: “animal”, and far too sure": attention(query, key, value)[1],
        "3 · Scaled: what the model itself computes": scaled_dot_product_attention(query, key, value)[1],
        "4 · Masked: no look at what comes later": masked_attention(query, key, value, causal_mask(len(x)))[1],
        "5 · Head 1 of twelve, in a module of your own": _in_a_module(x),
        "6 · All sixteen sentences in one padded batch": _in_a_batch(head)[: len(x), : len(x)],
    }


def _in_a_module(x: np.ndarray) -> np.ndarray:
    """The weights of head 1 in a MultiHeadAttention that carries the real layer's parameters."""
    layer, module = load_attention_layer(3), MultiHeadAttention(384, 12)
    with torch.no_grad():
        for name in ("q", "k", "v"):
            projection = getattr(module, f"{name}_proj")
            projection.weight.copy_(torch.tensor(getattr(layer, f"w_{name}").T))
            projection.bias.copy_(torch.tensor(getattr(layer, f"b_{name}")))
        return module(torch.tensor(x, dtype=torch.float32)[None])[1][0, 1].numpy()


def _in_a_batch(head) -> np.ndarray:
    """The weights of `tired` among all sentences: with the identity as values, an output is its weights."""
    sentences = [load_sentence(name) for name in sentence_names()]
    lengths = np.array([len(sentence.tokens) for sentence in sentences])
    x = np.zeros((len(sentences), lengths.max(), 384))
    for place, sentence in enumerate(sentences):
        x[place, : lengths[place]] = sentence.hidden[3]
    query, key = (torch.tensor(project(x, w, b)) for w, b in ((head.w_q, head.b_q), (head.w_k, head.b_k)))
    mask = torch.tensor(padding_mask(lengths, lengths.max()))
    weights = batched_attention(query, key, torch.eye(lengths.max(), dtype=query.dtype), mask)
    return weights[sentence_names().index("tired")].numpy()


def draw() -> bytes:
    """Where "it" looks, lesson by lesson → a PNG."""
    tokens = load_sentence("tired").tokens
    pictures = [plot_links(weights, tokens, "it", title=title) for title, weights in stages().items()]
    images = [Image.open(io.BytesIO(picture.png)) for picture in pictures]
    width, height = max(i.width for i in images), max(i.height for i in images)
    whole = Image.new("RGB", (COLUMNS * width, -(-len(images) // COLUMNS) * height), "white")
    for place, image in enumerate(images):
        row, column = divmod(place, COLUMNS)
        whole.paste(image, (column * width, row * height))
    file = io.BytesIO()
    whole.save(file, "PNG", optimize=True)
    return file.getvalue()


if __name__ == "__main__":
    tokens = load_sentence("tired").tokens
    for title, weights in stages().items():
        row = weights[tokens.index("it")]
        print(f"{title}: it → animal {row[tokens.index('animal')]:.3f}, it → it {row[tokens.index('it')]:.3f}")
    PLACE.write_bytes(draw())
    print(f"wrote {PLACE.name}")
